import type { RuntimeTestSite } from './site.ts'

export type Outcomes = Awaited<ReturnType<typeof tp.testRuntime>>
type Parameters = globalThis.Parameters<typeof tp.testRuntime>

export interface SuiteRun {
  readonly headers: 'isolated' | 'plain'
  readonly runtime: Parameters[0]
  readonly options: Parameters[1]
  readonly kit: Parameters[2]
}

/** Far more than it takes; only a page that hangs is stopped. */
const LIMIT_MS = 120_000

/** Runs `testRuntime` inside a page of its own. A page that hangs is one test that failed, with the name of the last. */
export async function runSuite(site: RuntimeTestSite, { headers, runtime, options, kit }: SuiteRun): Promise<Outcomes> {
  const page = await site.open(headers)
  let last = ''
  page.on('console', (message) => {
    last = message.text()
  })
  if (options?.worker) await page.evaluate(holdCompiled, site.wasm)
  const suite = page.evaluate(([runtime, options, kit]) => tp.testRuntime(runtime, options, kit), [
    runtime,
    options,
    kit,
  ] as const)
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<Outcomes>((resolve) => {
    timer = setTimeout(() => {
      const problem = `did not end within ${LIMIT_MS / 1000} s; the last test that began is "${last}"`
      resolve([{ name: `${runtime} ${JSON.stringify(options)}`, state: 'failed', problem }])
    }, LIMIT_MS)
  })
  try {
    return await Promise.race([suite, limit])
  } finally {
    clearTimeout(timer)
    await page.close()
  }
}

declare global {
  var compiled: readonly WebAssembly.Module[]
}

/** While a page holds what it has compiled, its workers need not compile the same 27 MB again, each for itself. */
async function holdCompiled(addresses: readonly string[]): Promise<void> {
  globalThis.compiled = await Promise.all(addresses.map((address) => WebAssembly.compileStreaming(fetch(address))))
}
