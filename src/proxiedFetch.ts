// Node's own fetch knows nothing of proxies.

const variables = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'];

let found: Promise<typeof fetch> | undefined;

/** fetch, through the proxy that HTTPS_PROXY and HTTP_PROXY name, if they do; NO_PROXY lists who is asked without. */
export function proxiedFetch(): Promise<typeof fetch> {
  found ??= variables.some((name) => process.env[name]) ? throughProxy() : Promise.resolve(fetch);
  return found;
}

async function throughProxy(): Promise<typeof fetch> {
  // What Node's fetch is made from.
  const undici = await import('undici');
  const dispatcher = new undici.EnvHttpProxyAgent();
  const viaProxy: typeof undici.fetch = (input, init) => undici.fetch(input, {...init, dispatcher});
  return viaProxy as unknown as typeof fetch;
}
