// What runs inside Chromium; chromium-page.ts is its other side.
import { type TimesInTurns, type TurnOptions, timeInTurns } from '@tp/compare'
import type { NamedTensors, Session, SessionOptions } from '@tp/core/runtime'
import { wasmRuntime } from '@tp/runtime-web'
import { webgpuRuntime } from '@tp/runtime-web/webgpu'

/** The interface of the page for chromium-page.ts. */
interface BenchmarkPage {
  load(name: string, url: string, runtime: 'wasm' | 'webgpu', options: SessionOptions): Promise<void>
  run(name: string, feeds: NamedTensors): Promise<NamedTensors>
  addInputs(feeds: NamedTensors): void
  /** Times what is loaded, in the order in which it was, on the inputs that were added since the last time. */
  compare(options: Pick<TurnOptions, 'rounds' | 'budgetMs'>): Promise<TimesInTurns>
  /** Disposes of what is loaded. */
  clear(): Promise<void>
}

declare global {
  var benchmark: BenchmarkPage
}

const runtimes = { wasm: wasmRuntime(), webgpu: webgpuRuntime() }
const sessions = new Map<string, Session>()
const inputs: NamedTensors[] = []

globalThis.benchmark = {
  async load(name, url, runtime, options) {
    sessions.set(name, await runtimes[runtime].load(url, options))
  },
  run: (name, feeds) => opened(name).run(feeds),
  addInputs: (feeds) => void inputs.push(feeds),
  compare: (options) => timeInTurns([...sessions.values()], inputs.splice(0), options),
  async clear() {
    for (const session of sessions.values()) await session.dispose()
    sessions.clear()
  },
}

function opened(name: string): Session {
  const session = sessions.get(name)
  if (session === undefined) throw new Error(`${name} is not loaded`)
  return session
}
