// Messages and stacks of failures are encoded, too: without this they are plain text in the history. Temporal loads this
// file by its path, into the sandbox of the workflows as well.
const { DefaultFailureConverter } = require('@temporalio/common');

exports.failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
