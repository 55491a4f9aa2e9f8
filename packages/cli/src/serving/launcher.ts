import { execFileSync } from 'node:child_process'

/** Milliseconds between two looks at whether npm still runs. */
const LOOK_MS = 500

/**
 * Calls back once npm, which has started this process, has ended. A signal to `npx` ends its shell, and is not passed on to what
 * the shell runs; SIGKILL leaves the shell as well.
 * @returns the watch, which disposing ends
 */
export function watchLauncher(ended: () => void): Disposable {
  if (!isStartedByNpm()) return { [Symbol.dispose]: () => undefined }
  const parent = process.ppid
  const npm = parentOfShell(parent)
  const timer = setInterval(() => {
    if (process.ppid === parent && (npm === undefined || isRunning(npm))) return
    clearInterval(timer)
    ended()
  }, LOOK_MS)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** Not for a script whose last command runs in the background, which is meant to outlive npm. */
function isStartedByNpm({ npm_command: command, npm_lifecycle_script: script = '' } = process.env): boolean {
  return command === 'exec' || (/\bserve\b/.test(script) && !/&\s*$/.test(script))
}

/** The process that started a shell for one command, as npm does; `undefined` if it is not one, or `ps` is not there. */
function parentOfShell(pid: number): number | undefined {
  try {
    const text = execFileSync('ps', ['-o', 'ppid=', '-o', 'args=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [, parent] = /^\s*(\d+) (?:\S*\/)?\w*sh -c /.exec(text) ?? []
    return parent === undefined ? undefined : Number(parent)
  } catch {
    return undefined
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
