/** The OpenAPI document: made from the routes' schemas, with links from an answer to what can be asked next. */
import type { SwaggerOptions } from '@fastify/swagger';

/** Which operations take a value of an answer as their parameter (OpenAPI, Link Object). */
const LINKS = [
  { from: 'get /api/events', statuses: ['200'], value: '/0/id', to: ['get /api/events/{event}'] },
  {
    from: 'post /api/registrations',
    statuses: ['201', '202'],
    value: '/id',
    to: [
      'get /api/registrations/{id}',
      'get /api/registrations/{id}/events',
      'post /api/registrations/{id}/resend',
    ],
  },
];

type Linked = { responses?: Record<string, { links?: object }> };

/** The links to operations, by a name for each. */
function linksTo(operations: string[], value: string): object {
  const links = operations.map((operation) => {
    const [method = '', path = ''] = operation.split(' ');
    const [, parameter = ''] = /\{(\w+)\}/.exec(path) ?? [];
    return [
      operation.replaceAll(/\W+/g, '-').replace(/-$/, ''),
      {
        operationRef: `#/paths/${path.replaceAll('/', '~1')}/${method}`,
        parameters: { [parameter]: `$response.body#${value}` },
      },
    ] as const;
  });
  return Object.fromEntries(links);
}

export const documentation: SwaggerOptions = {
  openapi: {
    info: {
      title: 'Event registration',
      version: '1',
      description: 'Hold a seat, pay through PayPal, be registered.',
    },
  },
  transformObject(document) {
    if (!('openapiObject' in document)) return document.swaggerObject;
    const { openapiObject } = document;
    for (const { from, statuses, value, to } of LINKS) {
      const [method = '', path = ''] = from.split(' ');
      const operation = openapiObject.paths?.[path]?.[method as 'get'] as Linked | undefined;
      for (const status of statuses) {
        const response = operation?.responses?.[status];
        if (response) response.links = linksTo(to, value);
      }
    }
    return openapiObject;
  },
};
