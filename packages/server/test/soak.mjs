// Asks `tp serve` for twice what it can answer: memory must not grow, no answer be wrong, and requests without room must be refused.
//
//   node test/soak.mjs [--minutes 2]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mailData, modelPath } from '@tp/models'

const { minutes } = parseArgs({ options: { minutes: { type: 'string', default: '2' } } }).values
const bin = fileURLToPath(new URL('../../cli/bin/tp.js', import.meta.url))
const options = ['--port', '0', '--threads', '1', '--queue-tokens', '8192', '--truncate', '--json']
const child = spawn(process.execPath, [bin, 'serve', modelPath('mail'), ...options], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
let listening = ''
for await (const line of createInterface({ input: child.stdout })) {
  listening += line
  if (line === '}') break
}
const { url } = JSON.parse(listening)
const texts = mailData('test')
  .slice(0, 60)
  .map(({ text }) => text.slice(0, 2000))
const right = []
for (const text of texts) right.push((await predict([text])).scores?.[0])

const counts = { answered: 0, refused: 0, wrong: 0, other: 0 }
const waits = []
const end = performance.now() + 60_000 * Number(minutes)
const alone = await paceOf(1, 5)
const capacity = await paceOf(12, 10)
console.log(`alone ${alone.toFixed(1)} texts/s, at capacity ${capacity.toFixed(1)}; now twice as many are requested`)
Object.assign(counts, { answered: 0, refused: 0, wrong: 0, other: 0 })
waits.length = 0
let isOver = false
const sampling = sample()
const underWay = new Set()
// An open loop: clients that do not wait for each other's answers.
for (let sent = 0, start = performance.now(); performance.now() < end; sent++) {
  const due = start + (1000 * 4 * sent) / (2 * capacity)
  if (due > performance.now()) await setTimeout(due - performance.now())
  const work = ask(4).then(() => underWay.delete(work))
  underWay.add(work)
}
await Promise.all(underWay)
isOver = true
await sampling
waits.sort((a, b) => a - b)
const p99 = waits[Math.floor(0.99 * waits.length)]
console.log(
  JSON.stringify(counts),
  `p50 ${waits[waits.length >> 1]?.toFixed(0)} ms, p99 ${p99?.toFixed(0)} ms of what was accepted`,
)
child.kill('SIGTERM')
await once(child, 'exit')
process.exitCode = counts.wrong + counts.other > 0 ? 1 : 0

async function predict(inputs) {
  const response = await fetch(`${url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: inputs.map((text) => [text]) }),
  })
  const body = await response.json()
  return {
    status: response.status,
    ...(response.ok && { scores: body.map((classes) => classes.find(({ label }) => label === 'spam').score) }),
  }
}

async function ask(count) {
  const chosen = Array.from({ length: count }, () => Math.floor(Math.random() * texts.length))
  const start = performance.now()
  try {
    const { status, scores } = await predict(chosen.map((i) => texts[i]))
    if (status === 429) counts.refused += count
    else if (status !== 200) counts.other += count
    else {
      waits.push(performance.now() - start)
      counts.answered += count
      counts.wrong += scores.filter((score, j) => Math.abs(score - right[chosen[j]]) > 1e-4).length
    }
  } catch {
    counts.other += count
  }
}

async function paceOf(clients, seconds) {
  const before = counts.answered
  const until = performance.now() + 1000 * seconds
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < until) await ask(4)
    }),
  )
  return (counts.answered - before) / seconds
}

async function sample() {
  while (!isOver) {
    const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024
    console.log(`${resident.toFixed(0)} MB resident, ${JSON.stringify(counts)}`)
    for (let i = 0; i < 10 && !isOver; i++) await setTimeout(1000)
  }
}
