import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { modelPath } from '@tp/models'
import { expect, onTestFinished, test } from 'vitest'
import { listening, serveBin } from './listening.ts'

/** Good clients next to those that pipeline, send half a request, do not read, or leave. */
class Load {
  readonly #url: string
  readonly #port: number
  readonly #end: number
  readonly #sockets = new Set<Socket>()
  readonly failures: string[] = []
  answered = 0

  constructor(url: string, seconds: number) {
    this.#url = url
    this.#port = Number(new URL(url).port)
    this.#end = performance.now() + 1000 * seconds
  }

  async run(): Promise<void> {
    const body = JSON.stringify({ inputs: 'free money now '.repeat(4) })
    const head = (length: number): string =>
      `POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`
    const whole = head(Buffer.byteLength(body)) + body
    await Promise.all([
      this.#ask('You have won a prize'),
      this.#ask('See you at lunch '.repeat(20)),
      this.#every(700, whole.repeat(40), 50),
      this.#every(700, whole, 10),
      this.#every(900, 'GET /v2 HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(500), 50),
      this.#every(900, 'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(40), 60_000),
      this.#every(300, `${head(1000)}{"in`, 120_000),
      this.#every(300, `${head(400_000)}${' '.repeat(100_000)}`, 120_000),
      this.#every(300, 'POST /predict HTTP/1.1\r\nx', 120_000),
    ])
  }

  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Asks again and again for the same text, and expects the same answer. */
  async #ask(text: string): Promise<void> {
    const first = await predict(this.#url, text)
    while (performance.now() < this.#end) {
      await setTimeout(200)
      const answer = await predict(this.#url, text).catch(String)
      if (answer === first) this.answered++
      else this.failures.push(answer)
    }
  }

  /** Opens a connection every so many milliseconds, sends this, reads nothing, and leaves after a while. */
  async #every(ms: number, text: string, disconnectAfter: number): Promise<void> {
    while (performance.now() < this.#end) {
      const socket = connect(this.#port, '127.0.0.1')
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => this.#sockets.delete(socket))
      socket.pause()
      socket.write(text)
      void setTimeout(disconnectAfter, undefined, { ref: false }).then(() => socket.destroy())
      await setTimeout(ms)
    }
  }
}

async function predict(url: string, inputs: string): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/predict`, { method: 'POST', headers, body: JSON.stringify({ inputs }) })
  return `${response.status} ${await response.text()}`
}

test('answers every good request among clients that pipeline, send half a request, or leave', async () => {
  const seconds = 4
  const options = ['--port', '0', '--threads', '1', '--drain-ms', '0', '--json']
  const child = spawn(process.execPath, [serveBin, 'serve', modelPath('mail'), ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const { url } = await listening(child)
  const load = new Load(url, seconds)
  await load.run()
  expect(load.failures).toEqual([])
  expect(load.answered).toBeGreaterThan(0)
  expect((await fetch(`${url}/v2/health/ready`)).status).toBe(200)
  // With all that is still half-sent and unread.
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([143, null])
  load.disconnect()
})
