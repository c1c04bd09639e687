import Type from 'typebox';
import { probeTemporal } from '../temporal/client.ts';
import type { App, Dependencies } from './dependencies.ts';

const state = Type.Enum(['up', 'down']);
const Readiness = Type.Object({ temporal: state, postgresql: state });

export function healthRoutes(app: App, { database, temporal }: Dependencies): void {
  const quiet = { logLevel: 'warn' } as const;
  let isStopping = false;
  app.addHook('preClose', (done) => {
    isStopping = true;
    done();
  });

  app.get(
    '/healthz',
    {
      ...quiet,
      // A busy process is alive: restarting it would lose the requests in hand.
      config: { pressureHandler: () => undefined },
      schema: { response: { 200: Type.Object({ status: Type.Literal('up') }) } },
    },
    () => ({ status: 'up' as const }),
  );

  app.get(
    '/readyz',
    { ...quiet, schema: { response: { 200: Readiness, 503: Readiness } } },
    async (_request, reply) => {
      const [reachable, stored] = await Promise.allSettled([
        probeTemporal(temporal),
        database.raw('select 1').timeout(2000),
      ]);
      const told = (result: PromiseSettledResult<unknown>) =>
        result.status === 'fulfilled' ? ('up' as const) : ('down' as const);
      const body = { temporal: told(reachable), postgresql: told(stored) };
      return reply.code(isStopping || Object.values(body).includes('down') ? 503 : 200).send(body);
    },
  );
}
