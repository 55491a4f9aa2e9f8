import { spawn } from 'node:child_process'

/**
 * Runs a command to its end and collects what it printed.
 * @param {readonly string[]} command program and arguments
 * @param {{ cwd: string, env?: Record<string, string | undefined>, timeoutMs?: number, live?: boolean }} options
 *   `live`: print the output immediately instead of collecting it
 * @returns {Promise<{ ok: boolean, output: string }>} `output`: stdout and stderr in the order they came
 */
export function runCommand([program = '', ...args], { cwd, env, timeoutMs = 300_000, live = false }) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', live ? 'inherit' : 'pipe', live ? 'inherit' : 'pipe'],
    })
    let output = ''
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
    }, timeoutMs)
    const collect = (/** @type {Buffer} */ chunk) => {
      output += chunk.toString()
    }
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    child.on('error', (error) => {
      clearTimeout(timer)
      resolve({ ok: false, output: `${program}: ${error.message}` })
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      if (timedOut) output += `\nstopped after ${timeoutMs / 1000} s`
      resolve({ ok: code === 0 && !timedOut, output: output.trim() })
    })
  })
}

/**
 * Runs a command of a user who installs our packages, with no question asked and no runtime of a GPU fetched.
 * @param {readonly string[]} command
 * @param {{ cwd: string, env?: Record<string, string | undefined> }} options
 * @returns {Promise<string>} the output; throws it if the command fails
 */
export async function runAsUser(command, { cwd, env }) {
  const own = {
    ...env,
    ONNXRUNTIME_NODE_INSTALL: 'skip',
    npm_config_yes: 'true',
    npm_config_audit: 'false',
    NO_COLOR: '1',
    // A test runner inside of a test runner is to be one by itself.
    VITEST: undefined,
    NODE_ENV: undefined,
  }
  const { ok, output } = await runCommand(command, { cwd, env: own, timeoutMs: 1_800_000 })
  if (!ok) throw new Error(`${command.join(' ')}\n${output}`)
  return output
}
