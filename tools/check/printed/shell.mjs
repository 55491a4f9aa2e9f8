import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Bash itself takes the scripts apart: no program is found, so that each call ends in a function that writes down its words. Builtins
 * do what they do, but for those that look for a folder or a process. Text that is written at once is not mixed in a pipe: no
 * line breaks.
 */
const reader = `
PATH=/nonexistent
command_not_found_handle() { printf '%s\\0' "$@" $'\\x1e' >&3; }
cd() { command_not_found_handle cd "$@"; }
kill() { :; }
wait() { :; }
for script; do
  complaint=$( { ( eval "$script" ) >/dev/null; } 2>&1 )
  if [[ $complaint == *'syntax error'* ]]; then command_not_found_handle 'syntax error' "$complaint"; fi
  printf '\\f\\0' >&3
done
`

/**
 * The programs that each script calls, in order, each with its arguments, as bash expands them; nothing is run.
 * @param {readonly string[]} scripts
 * @returns {string[][][]}
 * @throws where bash cannot read one, or where it writes to a file of the machine
 */
export function callsOf(scripts) {
  const outside = scripts.find((script) => />\s*["']?(?!\/dev\/)[/~]/.test(script))
  if (outside !== undefined) throw new Error(`writes outside of its folder: ${outside}`)
  const cwd = mkdtempSync(join(tmpdir(), 'tp-shell-'))
  try {
    const { output, error, status } = spawnSync('bash', ['--noprofile', '--norc', '-c', reader, 'bash', ...scripts], {
      cwd,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      timeout: 60_000,
      maxBuffer: 64 * 2 ** 20,
    })
    if (error) throw error
    if (status !== 0) throw new Error(`bash ended with ${status}: ${output[2]}`)
    const read = (output[3] ?? '').split('\f\0').slice(0, -1)
    return read.map((calls, i) => {
      const list = calls.split('\0\x1e\0').filter((call) => call !== '')
      const words = list.map((call) => call.split('\0'))
      const wrong = words.find(([program]) => program === 'syntax error')
      if (wrong !== undefined) throw new Error(`${wrong[1]}\n${scripts[i]}`)
      return words
    })
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}
