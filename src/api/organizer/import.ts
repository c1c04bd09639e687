/** Organizers add the registrations of a file: it is checked first, and nobody is added before that is confirmed. */
import { randomUUID } from 'node:crypto';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { Check } from 'typebox/value';
import { findOpenEvents, type OpenEvent } from '../../database/desk/open-events.ts';
import { beginImport, findImport, listImports, saveImport } from '../../database/imports.ts';
import { hash, hashedUuid } from '../../hash.ts';
import { checkFile } from '../../imports/check.ts';
import { MOST_BYTES, readFile, type ReadFile } from '../../imports/file.ts';
import { probeTemporal } from '../../temporal/client.ts';
import { isImportOpen, startImport } from '../../temporal/runs.ts';
import { traceOf } from '../../trace.ts';
import { importFormPage, importPage, type ImportForm } from '../../web/organizer/import.ts';
import type { Dependencies } from '../dependencies.ts';
import { languageOf } from '../language.ts';
import { prefersPage } from '../page.ts';
import { Problem, unavailable } from '../problem.ts';
import { ActionId } from './action.ts';
import { acceptFiles } from './forms.ts';
import { organizerFrame } from './frame.ts';
import { sessionOf } from './session.ts';

const PATH = '/organizer/import';
/** What was pasted is three times as long when a form without files sends it. */
const FORM_BYTES = 3 * MOST_BYTES;
const Params = Type.Object({ id: ActionId });
const Confirmation = Type.Object({ action: ActionId }, { additionalProperties: false });

export async function importRoutes(instance: FastifyInstance, dependencies: Dependencies): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { config, database, temporal, taskQueue } = dependencies;
  await acceptFiles(app, MOST_BYTES, 'organizer.import.fault.large');
  const page = { schema: { hide: true }, config: { isPage: true } } as const;
  const pageOf = (id: string) => `${PATH}/${id}`;

  app.get(PATH, page, async (request, reply) =>
    show(request, reply, await findOpenEvents(database), { typed: {} }),
  );

  app.post(PATH, { schema: { hide: true }, bodyLimit: FORM_BYTES }, async (request, reply) => {
    const { action, event, file, text } = request.body as Record<string, unknown>;
    if (!Check(ActionId, action))
      throw new Problem('invalid-fields', { errors: [{ pointer: '/action', detail: 'fault.invalid' }] });
    const { id: organizer } = sessionOf(request).organizer;
    const events = await findOpenEvents(database);
    const typed = { event, text };
    const chosen = events.find(({ id }) => id === event);
    if (!chosen) return refuse(request, reply, events, { typed, fault: { field: 'event', name: 'event' } });
    const content = Buffer.isBuffer(file) && file.length > 0 ? file : typeof text === 'string' ? text : '';
    const read = readFile(content);
    if (read.status !== 'read')
      return refuse(request, reply, events, { typed, fault: { field: 'file', ...faultOf(read) } });
    // Another file is another import, also from the same form.
    const id = hashedUuid('import', organizer, action, chosen.id, hash(content.toString()));
    const check = { event: chosen, importId: id, organizer, language: languageOf(request) };
    if (!(await findImport(database, id))) {
      const { report, additions } = await checkFile(database, read, check);
      await saveImport(database, { id, event: chosen.id, organizer, report }, additions);
    }
    return reply.redirect(pageOf(id), 303);
  });

  app.get(`${PATH}/:id`, { ...page, schema: { hide: true, params: Params } }, async (request, reply) => {
    const { id } = request.params;
    const found = await findImport(database, id);
    if (!found) throw new Problem('not-found');
    const isOpen = found.state === 'running' ? await isImportOpen(temporal, id) : undefined;
    return reply.send(importPage(organizerFrame(request, reply, config), { import: found, isOpen }));
  });

  app.post(
    `${PATH}/:id`,
    { schema: { hide: true, params: Params, body: Confirmation } },
    async (request, reply) => {
      const { id } = request.params;
      const found = await findImport(database, id);
      if (!found || request.body.action !== id) throw new Problem('not-found');
      if (found.state === 'done') return reply.redirect(pageOf(id), 303);
      await probeTemporal(temporal).catch(() => {
        throw unavailable();
      });
      const { id: organizer } = sessionOf(request).organizer;
      if (!(await beginImport(database, id, organizer))) throw new Problem('not-found');
      await startImport(temporal, { id, event: found.event.id }, taskQueue).catch((error: unknown) => {
        // The page says that it has not begun, and has a button to go on.
        request.log.warn({ error: traceOf(error), action: id }, 'import not started in time');
      });
      return reply.redirect(pageOf(id), 303);
    },
  );

  async function show(request: FastifyRequest, reply: FastifyReply, events: OpenEvent[], form: ImportForm) {
    const imports = await listImports(database);
    return reply.send(
      importFormPage(organizerFrame(request, reply, config), {
        ...{ events, imports, form, newAction: randomUUID() },
      }),
    );
  }

  /** Shows the form again, with what was pasted, or says what is wrong to a client that wants no page. */
  function refuse(request: FastifyRequest, reply: FastifyReply, events: OpenEvent[], form: ImportForm) {
    if (prefersPage(request)) return show(request, reply.code(422), events, form);
    const { field, name, columns = [] } = form.fault ?? { field: 'file', name: 'empty' };
    throw new Problem('invalid-fields', {
      errors: [
        {
          pointer: `/${field}`,
          detail: `organizer.import.fault.${name}`,
          values: { columns: columns.join(', ') },
        },
      ],
    });
  }
}

const faultOf = (read: Exclude<ReadFile, { status: 'read' }>) => ({
  name: read.status,
  ...('columns' in read && { columns: read.columns }),
});
