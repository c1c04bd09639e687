/** PayPal's own SDK: its address, its token, its deadlines and its errors. */
import {
  AbortError,
  ApiError,
  Client,
  Environment,
  OrdersController,
  PaymentsController,
} from '@paypal/paypal-server-sdk';
import type { Config } from '../../config.ts';
import { retryAfterMs } from '../retry-after.ts';
import { networkWord, VendorError } from '../vendor-error.ts';

/** Statuses below 500 after which the same call may succeed later. 401 and 403 mean that our key needs attention. */
const TEMPORARY = [401, 403, 408, 409, 425, 429];

/** A request that lasts longer than any call may, such as one for a token that nobody waits for any more, is given up. */
const LONGEST_MS = 15_000;

/** The SDK has no option for another address. This class replaces the origin of every request, the token's included. */
class ClientAt extends Client {
  readonly #origin: string | undefined;

  constructor(config: ConstructorParameters<typeof Client>[0], origin: string | undefined) {
    super(config);
    this.#origin = origin;
  }

  override getRequestBuilderFactory(): ReturnType<Client['getRequestBuilderFactory']> {
    const make = super.getRequestBuilderFactory();
    return (method, path) => {
      const builder = make(method, path);
      const origin = this.#origin;
      if (origin)
        builder.interceptRequest((request) => {
          const { pathname, search } = new URL(request.url);
          return { ...request, url: origin + pathname + search };
        });
      return builder;
    };
  }
}

type Options = { abortSignal: AbortSignal };
type Sdk = {
  orders: OrdersController;
  payments: PaymentsController;
  /** A call that the SDK does not have; with the same token, deadline and errors. `body` is JSON, and goes out as it is. */
  request: (
    method: 'GET' | 'POST',
    path: string,
    options: Options,
    body?: string,
  ) => Promise<{ result: string }>;
};
/** Makes one call with the SDK; throws {@link VendorError}. `timeoutMs` is the longest time that it may last. */
export type Call = <T>(
  timeoutMs: number,
  send: (sdk: Sdk, options: Options) => Promise<{ result: T }>,
) => Promise<T>;

export function connectSdk(config: Config['paypal']): Call {
  const connect = (): Sdk => {
    const client = new ClientAt(
      {
        environment: Environment.Production,
        httpClientOptions: { timeout: LONGEST_MS },
        clientCredentialsAuthCredentials: {
          oAuthClientId: config.clientId,
          oAuthClientSecret: config.clientSecret,
        },
      },
      config.baseUrl,
    );
    return {
      orders: new OrdersController(client),
      payments: new PaymentsController(client),
      request: (method, path, options, body) => {
        const request = client.getRequestBuilderFactory()(method, path);
        request.authenticate([{ oauth2: true }]);
        request.acceptJson();
        if (body !== undefined) {
          request.text(body);
          request.contentType('application/json');
        }
        request.defaultToError(ApiError);
        return request.callAsText(options);
      },
    };
  };
  let api = connect();

  /**
   * The SDK keeps a token that PayPal refused, and a token request that failed, for ever. In both cases a new client takes
   * over. After a refusal (401) the call is made once more.
   */
  return async (timeoutMs, send) => {
    const deadline = Date.now() + timeoutMs;
    for (let again = true; ; again = false) {
      const used = api;
      try {
        return (await before(deadline, (options) => send(used, options))).result;
      } catch (error) {
        const answer = error instanceof ApiError ? error : undefined;
        const refused = answer?.statusCode === 401;
        const withoutToken = !answer || answer.request.url.includes('/oauth2/');
        if ((refused || withoutToken) && api === used) api = connect();
        if (!refused || !again) throw toVendorError(error);
      }
    }
  };
}

/** The SDK aborts a request at its deadline, but waits for its token without one: whoever asks waits for neither. */
async function before<T>(deadline: number, send: (options: Options) => Promise<T>): Promise<T> {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      late.abort();
      reject(new AbortError());
    }, deadline - Date.now());
  });
  try {
    return await Promise.race([send({ abortSignal: late.signal }), end]);
  } finally {
    clearTimeout(timer);
  }
}

function toVendorError(error: unknown): VendorError {
  const vendor = 'PayPal';
  if (!(error instanceof ApiError)) {
    const word = error instanceof AbortError ? 'TIMEOUT' : networkWord(error);
    return new VendorError({ vendor, meaning: 'Unavailable', word });
  }
  const { statusCode: status, headers } = error;
  const body = parse(error.body);
  const final = status < 500 && !TEMPORARY.includes(status);
  return new VendorError({
    vendor,
    // Asked with a new token before.
    meaning: final ? 'Rejected' : status === 401 ? 'Auth' : 'Unavailable',
    final,
    status,
    word: body.details?.[0]?.issue ?? body.name ?? body.error ?? 'UNKNOWN',
    debugId: body.debug_id,
    retryAfterMs: retryAfterMs(headers['retry-after']),
  });
}

type ErrorBody = { name?: string; error?: string; debug_id?: string; details?: { issue?: string }[] };

/** PayPal's edge may answer with a page instead of JSON. Then only the status says something. */
function parse(body: unknown): ErrorBody {
  try {
    return (JSON.parse(String(body)) ?? {}) as ErrorBody;
  } catch {
    return {};
  }
}
