import { jobProgress } from '@tp/metrics/progress'
import { expect, test } from 'vitest'
import { showTraining } from './show-training.ts'
import { methodWork } from './stages.ts'

/** The display of a training that reports every second. */
function shown() {
  let time = 0
  const job = jobProgress(() => time)
  const watch = showTraining({ ...job, note: () => undefined })
  const percent = (): number => Math.floor(100 * (job.share() ?? Number.NaN))
  const line = (): string => {
    const { text = '', done = 0, total = 0 } = job.current() ?? {}
    return `${text}, ${Math.floor(done)} of ${total}`
  }
  const second = (): void => {
    time += 1000
  }
  return { watch, percent, line, second, job }
}

const size = { finishes: false, examples: 10, selection: 5, epochs: 1, evaluations: 1, hardEpochs: 0, aims: true }

test('shows one bar for a whole training, which never goes back', () => {
  const { watch, percent, line, second } = shown()
  const percents: number[] = []
  const lines: string[] = []
  const seen = (): void => {
    second()
    percents.push(percent())
    lines.push(line())
  }
  watch.expect(methodWork({ ...size, looksAtTokens: true, learnsAlone: false }))
  watch.enter('teacher')
  for (let done = 1; done <= 10; done++) {
    watch.advance(done, 10)
    seen()
  }
  watch.enter('soft')
  for (let done = 1; done <= 10; done++) {
    watch.onWork({ task: 'saliency', done, total: 10 }, 'soft')
    seen()
  }
  const step = { steps: 2, learningRate: 1, gradientNorm: 1, loss: 1, kept: 1, flops: 1 }
  for (const at of [1, 2]) {
    watch.onWork({ task: 'step', done: at - 0.5, total: 2 }, 'soft')
    seen()
    watch.onStep({ ...step, step: at }, 'soft')
    seen()
  }
  watch.onSaved()
  watch.onWork({ task: 'FLOPs', done: 45, total: 45 }, 'soft')
  seen()
  expect(percents).toEqual(percents.toSorted((a, b) => a - b))
  expect(percents[0]).toBeLessThan(3)
  expect(percents.at(-1)).toBeGreaterThan(90)
  const texts = [
    'running the dense model, 10 of 10',
    'which tokens count, 10 of 10',
    'soft training, 1 of 2',
    'counting FLOPs, 45 of 45',
  ]
  for (const text of texts) expect(lines.some((shown) => shown.includes(text))).toBe(true)
})

test('weighs the question which tokens count when a method turns out to ask it', () => {
  const { watch, percent, line } = shown()
  watch.expect(methodWork({ ...size, looksAtTokens: false, learnsAlone: false }))
  watch.enter('teacher')
  watch.advance(10, 10)
  const before = percent()
  watch.onWork({ task: 'saliency', done: 10, total: 10 }, 'soft')
  expect(line()).toMatch(/which tokens count, 10 of 10/)
  expect(percent()).toBeGreaterThan(before)
})

test('counts the time of a resumed training by the steps that it takes itself', () => {
  const { watch, percent, line, second, job } = shown()
  watch.expect(methodWork({ ...size, examples: 0, selection: 0, looksAtTokens: false, learnsAlone: false }))
  watch.expect({ soft: 100 })
  watch.enter('soft')
  watch.onWork({ task: 'step', done: 50.5, total: 100 }, 'soft')
  for (let i = 0; i < 10; i++) second()
  watch.onWork({ task: 'step', done: 60, total: 100 }, 'soft')
  expect([percent(), line()]).toEqual([60, 'soft training, 60 of 100'])
  const { rate = 0, secondsLeft = 0 } = job.current() ?? {}
  expect([60 * rate, secondsLeft].map(Math.round)).toEqual([57, 42])
})
