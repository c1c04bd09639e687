/**
 * Loaded before the workflows of a build. Temporal's SDK records a stack for every promise of a workflow, which costs three
 * milliseconds per registration. The reasons to do without are in docs/decisions/no-stacks-in-builds.md.
 */
Error.stackTraceLimit = 0;
