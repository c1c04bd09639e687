// Messages and stacks of failures are encoded, too: without this they are plain text in the history. Temporal loads this
// file by its path, into the sandbox of the workflows as well.
const { ApplicationFailure, DefaultFailureConverter, ValueError } = require('@temporalio/common');
const messages = require('../messages/organizer/en.json');

/** The facts of activities/failure.ts: the type, perhaps a status, perhaps one word. They quote nobody. */
const FACTS = /^(?<type>[A-Za-z]+)( \d{3})?( (?<word>[\w.:-]{1,80}))?$/;
/** The facts behind the sentence that {@link explained} has put before them. */
const EXPLAINED = /\((?<facts>[^()]+)\)$/;
const FORGED = 'Refused: a final failure that no worker reported';
/** What is said of a payload that the codec refuses (codec.ts), in a workflow or before an activity. */
const REFUSED = /^(Failed to parse activity args for activity \w+: )?Unknown encoding: refused\/[a-z-]+$/;

/** What a failure means and what to do about it, as the page of the registration says it, and its facts. */
function explained(facts) {
  const { type, word } = FACTS.exec(facts)?.groups ?? {};
  if (type === undefined) return undefined;
  const sentence = messages[`organizer.failure.${type}`] ?? messages['organizer.failure'];
  const told = sentence.replaceAll('{type}', type).replaceAll(word ? '{word}' : ' ({word})', word ?? '');
  return { type, message: `${told} (${facts})` };
}

/** What everybody may read of an error; undefined for one that may quote somebody. */
function readable(error) {
  const { message = '', type } = Object(error);
  if (message === FORGED || REFUSED.test(message)) return message;
  if (!(error instanceof ApplicationFailure)) return undefined;
  // A run that fails with an activity passes on what is explained already.
  const known = explained(message) ?? explained(EXPLAINED.exec(message)?.groups.facts);
  const isOurs = known && (message === known.message || FACTS.test(message));
  return isOurs && known.type === type ? known.message : undefined;
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
    const message = readable(error);
    return {
      ...failure,
      ...(message !== undefined && { message }),
      ...(info && {
        encodedAttributes: payloadConverter.toPayload(
          {
            ...payloadConverter.fromPayload(encodedAttributes, context),
            // The Web UI shows this one to whoever has the key.
            ...(message !== undefined && { message }),
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
