/**
 * Loaded before the workflows of a build. Temporal's SDK notes for every promise of a workflow where it was made: three
 * milliseconds of a registration (docs/performance.md) for the tab "Call Stack" of the Web UI and the stacks of what
 * workflows throw. A run says by itself where it stands, so only what runs from the sources has them.
 */
Error.stackTraceLimit = 0;
