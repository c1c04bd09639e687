// Messages and stacks of failures are encoded, too: without this they are plain text in the history. Temporal loads this
// file by its path, into the sandbox of the workflows as well.
const { ApplicationFailure, DefaultFailureConverter } = require('@temporalio/common');

/** A message of activities/failure.ts: the type, perhaps a status, perhaps one word. It quotes nobody. */
const HARMLESS = /^([A-Za-z]+)( \d{3})?( [\w.:-]{1,80})?$/;
const isHarmless = (error) =>
  error instanceof ApplicationFailure && error.type === HARMLESS.exec(error.message)?.[1];

/** The Web UI shows the cause of a failed activity without the key. Its stack and its details stay encoded. */
class FailureConverter extends DefaultFailureConverter {
  errorToFailure(error, payloadConverter, context) {
    const failure = super.errorToFailure(error, payloadConverter, context);
    return isHarmless(error) ? { ...failure, message: error.message } : failure;
  }
}

exports.failureConverter = new FailureConverter({ encodeCommonAttributes: true });
