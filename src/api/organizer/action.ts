import Type from 'typebox';

/** The UUID that a form carries: the same action twice has one effect and one answer (src/database/actions.ts). */
export const ActionId = Type.String({
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
});
