// Messages and stacks of failures are encoded, too: without this they are plain text in the history. Temporal loads this
// file by its path, into the sandbox of the workflows as well.
const { ApplicationFailure, DefaultFailureConverter, ValueError } = require('@temporalio/common');

/** A message of activities/failure.ts: the type, perhaps a status, perhaps one word. It quotes nobody. */
const HARMLESS = /^([A-Za-z]+)( \d{3})?( [\w.:-]{1,80})?$/;
const FORGED = 'Refused: a final failure that no worker reported';
/** What is said of a payload that the codec refuses (codec.ts), in a workflow or before an activity. */
const REFUSED = /^(Failed to parse activity args for activity \w+: )?Unknown encoding: refused\/[a-z-]+$/;
function isHarmless(error) {
  const { message, type } = Object(error);
  if (error instanceof ApplicationFailure && type === HARMLESS.exec(message)?.[1]) return true;
  return message === FORGED || REFUSED.test(message);
}

/**
 * The Web UI shows the cause of a failed activity without the key. Its stack and its details stay encoded. A failure that ends
 * an activity for good counts only if the encoded part, which nobody writes without the key, says the same: otherwise
 * whoever reaches Temporal could have a payment refunded. Other failures are tried again, whoever reports them.
 */
class FailureConverter extends DefaultFailureConverter {
  errorToFailure(error, payloadConverter, context) {
    const failure = super.errorToFailure(error, payloadConverter, context);
    const { applicationFailureInfo: info, encodedAttributes } = failure;
    return {
      ...failure,
      ...(isHarmless(error) && { message: error.message }),
      ...(info && {
        encodedAttributes: payloadConverter.toPayload(
          {
            ...payloadConverter.fromPayload(encodedAttributes, context),
            type: info.type,
            final: !!info.nonRetryable,
          },
          context,
        ),
      }),
    };
  }

  failureToError(failure, payloadConverter, context) {
    const { applicationFailureInfo: info, encodedAttributes } = failure;
    if (info?.nonRetryable) {
      const { message, type, final } = encodedAttributes
        ? Object(payloadConverter.fromPayload(encodedAttributes, context))
        : {};
      // Failures of earlier releases do not say whether they are final.
      const isOurs = typeof message === 'string' && (final === undefined || (final && type === info.type));
      if (!isOurs) throw new ValueError(FORGED);
    }
    return super.failureToError(withoutDetails(failure), payloadConverter, context);
  }
}

/**
 * Leaves out what nobody reads, and what others may write as plain text: Temporal's server says of an activity that was cancelled
 * between two attempts that it was not started.
 */
function withoutDetails({ canceledFailureInfo, timeoutFailureInfo, ...failure }) {
  return {
    ...failure,
    ...(canceledFailureInfo && { canceledFailureInfo: {} }),
    ...(timeoutFailureInfo && { timeoutFailureInfo: { ...timeoutFailureInfo, lastHeartbeatDetails: null } }),
  };
}

exports.failureConverter = new FailureConverter({ encodeCommonAttributes: true });
