import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type ServeOptions, type Server, serve } from '../src/index.ts'
import { asking } from './client.ts'
import { modelFolder } from './folders.ts'
import { mailModel } from './models.ts'

const folder = modelFolder()
let path = ''
let server: Server
let sockets: Socket[] = []

beforeAll(() => {
  path = folder.add('mail', mailModel())
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  sockets = []
  await server.close()
})

/** A server that answers two requests at a time, and ends soon. */
async function start(more: Partial<ServeOptions> = {}, maxWait = 0): Promise<ReturnType<typeof asking>> {
  const models = [{ path, threads: 1, maxWait }]
  server = await serve({ models, port: 0, drainMs: 0, endMs: 100, ...more, limits: { requests: 2, ...more.limits } })
  return asking(server)
}

/** A connection on which this is sent. */
async function send(text: string): Promise<Socket> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

const waiting = (): number | undefined => server.models[0]?.current.engine.waiting().rows
const body = '{"inputs":"text"}'
const head = (length: number): string =>
  `POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`
const whole = head(body.length) + body
const half = `${head(1000)}{"in`

/** The first part of a compressed body, of which so many bytes can be inflated. */
function halfInflated(bytes: number): Buffer {
  const rest = randomBytes(4000)
  return gzipSync(Buffer.concat([Buffer.alloc(bytes), rest])).subarray(0, -3000)
}

/** All that comes until the connection ends. */
async function received(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('utf8')
  for await (const chunk of socket) text += chunk
  return text
}

describe('clients that leave', () => {
  test('return the slots of pipelined requests, and their work is dropped', async () => {
    const ask = await start({}, 60_000)
    for (let i = 0; i < 3; i++) {
      const socket = await send(whole.repeat(40))
      // Two are accepted, six refused, and all others wait.
      await expect.poll(waiting).toBe(2)
      expect((await ask('/v2/health/ready')).status).toBe(503)
      socket.destroy()
      await expect.poll(waiting).toBe(0)
      expect((await ask('/v2/health/ready')).status).toBe(200)
    }
    expect((await ask('/metrics')).body).toMatch(/tp_request_seconds_count\{route="\/predict",status="499"\} 120/)
  })

  test('keep no model in use, so that it is replaced although an answer of it was never sent', async () => {
    const models = [{ path }, { path, name: 'slow', maxWait: 60_000 }]
    const ask = await start({ models: models.map((model) => ({ ...model, threads: 1 })) })
    const post = (route: string, sent: object): string => {
      const text = JSON.stringify(sent)
      return head(text.length).replace('/predict', route) + text
    }
    const inputs = [{ name: 'text', shape: [1], datatype: 'BYTES', data: ['text'] }]
    // The answer to the second is there, and cannot be sent before that to the first.
    const socket = await send(
      post('/predict', { inputs: 'text', model: 'slow' }) + post('/v2/models/mail/infer', { inputs }),
    )
    await expect.poll(async () => (await ask('/metrics')).body).toContain('tp_run_seconds_count{model="mail"} 1')
    socket.destroy()
    expect(await server.reload()).toEqual([{ name: 'mail' }, { name: 'slow' }])
  })

  test('keep no server from ending, whatever waits for them', async () => {
    await start({ endMs: 100_000 }, 60_000)
    const socket = await send(whole + 'GET /v2 HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(500))
    await expect.poll(waiting).toBe(1)
    socket.destroy()
    await server.close()
  })
})

describe('clients that send half a request', () => {
  test('hold no slots, so that others are answered and the server is ready', async () => {
    const ask = await start()
    for (let i = 0; i < 10; i++) await send(half)
    expect((await ask('/predict', { inputs: 'text' })).status).toBe(200)
    expect((await ask('/v2/health/ready')).status).toBe(200)
  })

  test('reports it to clients after the time that they have, whatever they go on sending', async () => {
    await start({ limits: { sendMs: 300 } })
    const trickling = await send(half)
    const closed = once(trickling.resume(), 'close')
    const timer = setInterval(() => trickling.write('x'), 50)
    const answers = await Promise.all([received(await send(half)), received(await send('POST /predict HTTP/1.1\r\nx'))])
    await closed
    clearInterval(timer)
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 408 .*"code":"TP_REQUEST"\}$/s)
  })

  test('gives up the clients that began first when all together take too much memory', async () => {
    const ask = await start({ limits: { received: 100_000 } })
    const large = head(60_000) + '{"inputs":"'.padEnd(55_000, 'a')
    const first = await send(large)
    const closed = once(first, 'close')
    const second = await send(large)
    await closed
    expect((await ask('/predict', { inputs: 'text' })).status).toBe(200)
    second.write('","truncate":true}'.padStart(5000, 'a'))
    const [answer] = await once(second.setEncoding('utf8'), 'data')
    expect(answer).toMatch(/^HTTP\/1.1 200 /)
  })

  test.each([
    ['of another method, to no route', 'PUT', {}, 'a'.repeat(55_000)],
    ['of which little was sent, and more is inflated', 'POST', { 'content-encoding': 'gzip' }, halfInflated(55_000)],
  ])('gives them up in the same way for bodies %s', async (_what, method, headers, sent) => {
    await start({ limits: { received: 100_000 } })
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const large = head(60_000)
      .replace('POST', method)
      .replace('host', `${lines.join('')}host`)
    const first = await send(large)
    first.write(sent)
    // Its requests are read before those of the other.
    await once(await send('GET /v2 HTTP/1.1\r\nhost: x\r\n\r\n'), 'data')
    ;(await send(large)).write(sent)
    await expect.poll(() => first.closed).toBe(true)
  })

  test('do not delay the end', async () => {
    await start({ endMs: 20_000 })
    const closed = once(await send(half), 'close')
    const begun = performance.now()
    await server.close()
    await closed
    expect(performance.now() - begun).toBeLessThan(10_000)
  })
})

test.each([
  ['something else than HTTP', 'hello\r\n\r\n', 400],
  ['no host', 'GET /v2 HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
  ['an expectation that nobody meets', 'GET /v2 HTTP/1.1\r\nhost: x\r\nexpect: tea\r\n\r\n', 417],
  ['headers without an end', `GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}`, 431],
])('a client that sends %s is answered with a code', async (_what, text, status) => {
  await start()
  const answer = await received(await send(text))
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} .*"code":"TP_REQUEST"\\}$`, 's'))
})

test('a client that pipelines takes no more than a few slots from others, and is answered', async () => {
  const ask = await start({ limits: { requests: 10 } })
  const answers = received(await send(whole.repeat(199) + whole.replace('host', 'connection: close\r\nhost')))
  for (let i = 0; i < 10; i++) expect((await ask('/predict', { inputs: 'text' })).status).toBe(200)
  expect((await answers).match(/HTTP\/1.1 200 /g)).toHaveLength(200)
})

describe('clients that pipeline', () => {
  const get = (more = ''): string => `GET /v2 HTTP/1.1\r\n${more}host: x\r\n\r\n`

  test.each([
    ['more requests', get().repeat(50)],
    ['more bytes of headers', get(`x: ${'x'.repeat(14_000)}\r\n`).repeat(10)],
  ])('the one that has %s waiting is closed when all together have too many', async (_what, requests) => {
    await start({ limits: { requests: 100, waiting: 100_000 } }, 60_000)
    const good = await send(whole.repeat(8) + get().repeat(4))
    await expect.poll(waiting).toBe(8)
    const other = await send(whole.repeat(8) + requests)
    await expect.poll(() => other.closed).toBe(true)
    expect(good.destroyed).toBe(false)
  })

  test('closes the clients whose answers wait longest first, when all together take too much memory', async () => {
    await start({ limits: { requests: 100, unread: 400 } }, 60_000)
    // Two answers of about 110 bytes each are there, and cannot be sent before the first.
    const first = await send(whole + get().repeat(2))
    await expect.poll(waiting).toBe(1)
    const second = await send(whole + get().repeat(2))
    await expect.poll(() => first.closed).toBe(true)
    expect(second.destroyed).toBe(false)
  })
})

test('requests that were accepted are answered at the end, pipelined ones as well', async () => {
  await start({ endMs: 20_000, limits: { requests: 10 } }, 300)
  const answers = received(await send(whole.repeat(20)))
  await expect.poll(waiting).toBe(8)
  await server.close()
  expect((await answers).match(/HTTP\/1.1 200 /g)).toHaveLength(20)
})

test('clients that have connected before nothing listens any more are answered, however long the turns of the loop', async () => {
  await start({ endMs: 20_000, limits: { requests: 100 } })
  const { port } = new URL(server.url)
  const clients = Array.from({ length: 40 }, () => {
    const socket = connect(Number(port), '127.0.0.1')
    sockets.push(socket)
    socket.write(whole)
    return received(socket)
  })
  await server.close()
  expect((await Promise.all(clients)).filter((answer) => answer.startsWith('HTTP/1.1 200 '))).toHaveLength(40)
})

test('the end comes in its time, even if a client does not read its answers', async () => {
  const ask = await start()
  const socket = await send('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(1000))
  socket.pause()
  await ask('/v2')
  await server.close()
})
