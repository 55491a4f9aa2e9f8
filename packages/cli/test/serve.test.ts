import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { renameSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { modelPath } from '@tp/models'
import { describe, expect, test } from 'vitest'
import { serveBin as bin, listening } from './listening.ts'
import { temporaryFolder, tpHere } from './tp.ts'

const mail = modelPath('mail')
const folder = temporaryFolder()

/** A plan's file, as tp optimize writes it. */
function plan(name: string, keep: number): string {
  const path = folder.at(name)
  const regimes = [{ upTo: 16, plan: { format: 1, method: 'none' } }, { plan: { format: 1, method: 'stride', keep } }]
  writeFileSync(path, JSON.stringify({ format: 1, regimes, figures: {} }))
  return path
}

/** Starts the server, and reads where it listens. */
async function start(...args: string[]): Promise<{ child: ChildProcess; url: string; models: object[] }> {
  const options = ['--port', '0', '--threads', '1', '--json', ...args]
  const child = spawn(process.execPath, [bin, 'serve', mail, ...options], { stdio: ['ignore', 'pipe', 'inherit'] })
  return { child, ...(await listening(child)) }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const predict = async (url: string, text: string): Promise<Response> =>
  fetch(`${url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: text }),
  })

describe('tp serve', () => {
  test('loses no request that it has accepted when SIGTERM comes under load, and ends', {
    tags: 'exhaustive',
  }, async () => {
    const { child, url, models } = await start('--drain-ms', '1000')
    expect(models).toMatchObject([{ name: 'mail', task: 'classification' }])
    const outcomes: (number | string)[] = []
    let isEnding = false
    const clients = Array.from({ length: 16 }, async (_, i) => {
      for (let n = 0; ; n++) {
        try {
          const response = await predict(url, `offer ${i} ${n} ${'free money '.repeat(n % 40)}`)
          const classes = (await response.json()) as object[]
          outcomes.push(response.status)
          if (response.status === 200) expect(classes).toHaveLength(2)
        } catch (error) {
          const { code } = (error as { cause?: { code?: string } }).cause ?? {}
          outcomes.push(code ?? String(error))
          // A connection that is refused was never accepted.
          if (isEnding && code === 'ECONNREFUSED') return
        }
      }
    })
    await setTimeout(500)
    isEnding = true
    child.kill('SIGTERM')
    // Answers go on, while balancers turn to other servers.
    await expect.poll(async () => (await fetch(`${url}/v2/health/ready`)).status, { timeout: 800 }).toBe(503)
    const [code] = await once(child, 'exit')
    await Promise.all(clients)
    expect(code).toBe(143)
    expect(outcomes.length).toBeGreaterThan(50)
    expect(outcomes.filter((outcome) => outcome !== 200 && outcome !== 'ECONNREFUSED')).toEqual([])
  })

  test('opens its files again at SIGHUP, prunes them by its plan of now, and goes on', {
    tags: 'exhaustive',
  }, async () => {
    const { child, url } = await start('--drain-ms', '0', '--plan', plan('plan.json', 0.5))
    const ask = async (text: string): Promise<unknown> => (await predict(url, text)).json()
    const long = 'free lunch '.repeat(40)
    const before = await Promise.all([ask('lunch'), ask(long)])
    renameSync(plan('next.json', 0.05), folder.at('plan.json'))
    child.kill('SIGHUP')
    await expect.poll(() => ask(long), { timeout: 10_000 }).not.toEqual(before[1])
    expect(await ask('lunch')).toEqual(before[0])
    child.kill('SIGTERM')
    await once(child, 'exit')
  })

  test('does not end by SIGHUP while it starts, nor while it ends, and answers what it has accepted', async () => {
    const options = ['--port', '0', '--threads', '1', '--max-wait', '500', '--drain-ms', '300', '--json']
    const child = spawn(process.execPath, [bin, 'serve', mail, ...options], { stdio: ['ignore', 'pipe', 'pipe'] })
    const notes: string[] = []
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (notes.length === 0) child.kill('SIGHUP')
      notes.push(line)
    })
    const { url, pid } = await listening(child)
    expect(pid).toBe(child.pid)
    // A signal during the start takes effect after it.
    await expect.poll(() => notes, { timeout: 10_000 }).toContain('mail is served from its current file')
    const answers = Array.from({ length: 4 }, (_, i) => predict(url, `lunch ${i}`))
    await expect.poll(async () => (await fetch(`${url}/metrics`)).text()).toContain('tp_queue_rows{model="mail"} 4')
    child.kill('SIGTERM')
    await expect.poll(() => notes).toContain('answering accepted requests, then ending')
    child.kill('SIGHUP')
    const [code] = await once(child, 'exit')
    expect(code).toBe(143)
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
  })
  test('ends when npx, which has started it, is killed', async () => {
    const command = `"${process.execPath}" "${bin}" serve "${mail}" --port 0 --drain-ms 0 --json`
    const npx = spawn('npm', ['exec', '--offline', '--call', command], { stdio: ['ignore', 'pipe', 'inherit'] })
    const { pid } = await listening(npx)
    npx.kill('SIGKILL')
    await expect.poll(() => isRunning(pid), { timeout: 15_000 }).toBe(false)
  })

  test.each([
    ['two models of one name', [mail, mail], 'TP_OPTION', /two models are called mail/],
    [
      'a guard without the dense model',
      [mail, '--guard', 'guard.json'],
      'TP_USAGE',
      /--guard requires --against DENSE/,
    ],
    [
      'a guard next to a plan',
      [mail, '--plan', 'plan.json', '--guard', 'guard.json', '--against', mail],
      'TP_USAGE',
      /give only one of --guard and --plan/,
    ],
    ['a plan that is not JSON', [mail, '--plan', mail], 'TP_PLAN', /invalid JSON/],
    ['no model', [], 'TP_USAGE', /MODEL… is missing/],
    ['a file that is not there', ['missing.onnx'], 'TP_FILE_NOT_FOUND', /missing\.onnx/],
    ['a limit that cannot be', [mail, '--max-texts', '0'], 'TP_USAGE', /--max-texts is 0/],
  ])('refuses %s', async (_what, args, code, message) => {
    const ended = await tpHere(['serve', ...args, '--json', '--port', '0'])
    expect(JSON.parse(ended.stdout)).toMatchObject({ code, message: expect.stringMatching(message) })
  })
})
