import { spawnSync } from 'node:child_process'

/** What a program took, as a process of its own. */
export interface Cost {
  readonly seconds: number
  /** Peak of resident memory. */
  readonly megabytes: number
}

/**
 * Says the peak of resident memory, in KiB, as the last line of stderr. Linux counts a new process's `maxRSS` from that
 * of the one that started it (here with models loaded), but its VmHWM from its own beginning.
 */
const PRELOAD = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from 'node:fs'
  const peak = () => {
    try {
      return /VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]
    } catch {
      return process.resourceUsage().maxRSS
    }
  }
  process.on('exit', () => process._rawDebug(peak()))
`)}`

/** Runs a program of Node's from start to end. @throws if it fails */
export function processCost(args: readonly string[]): Cost {
  const start = performance.now()
  const { status, stderr, error } = spawnSync(process.execPath, ['--import', PRELOAD, ...args], {
    encoding: 'utf8',
  })
  const seconds = (performance.now() - start) / 1000
  const kibibytes = Number(stderr?.trim().split('\n').at(-1))
  if (status !== 0 || !(kibibytes > 0)) throw new Error(`${args.join(' ')} failed: ${error?.message ?? stderr}`)
  return { seconds, megabytes: (kibibytes * 1024) / 1e6 }
}
