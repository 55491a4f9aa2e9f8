import { methodWork } from '@tp/train'
import { expect, test } from 'vitest'
import { progressTo } from './progress.ts'
import { watching } from './training-watch.ts'

/** The terminal's output of a training that reports every second. */
function shown(): { readonly watch: ReturnType<typeof watching>; readonly lines: string[]; second(): void } {
  let time = 0
  const lines: string[] = []
  const stream = { isTTY: true, columns: 200, write: (text: string) => lines.push(text.replace('\r\u001b[K', '')) }
  const progress = progressTo(stream, () => time)
  const second = (): void => {
    time += 1000
  }
  return { watch: watching(progress, undefined), lines, second }
}

const size = { finishes: false, examples: 10, selection: 5, epochs: 1, evaluations: 1, hardEpochs: 0, aims: true }

test('shows one bar for a whole training, which never goes back', () => {
  const { watch, lines, second } = shown()
  const percents: number[] = []
  const seen = (): void => {
    second()
    percents.push(Number(/(\d+) %/.exec(lines.findLast((line) => line.includes('%')) ?? '')?.[1]))
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
    'asking the dense model, 10 of 10',
    'which tokens count, 10 of 10',
    'soft training, 1 of 2',
    'counting FLOPs, 45 of 45',
  ]
  for (const text of texts) expect(lines.some((line) => line.includes(text))).toBe(true)
})

test('weighs the question which tokens count when a method turns out to ask it', () => {
  const { watch, lines } = shown()
  watch.expect(methodWork({ ...size, looksAtTokens: false, learnsAlone: false }))
  watch.enter('teacher')
  watch.advance(10, 10)
  const before = Number(/(\d+) %/.exec(lines.at(-1) ?? '')?.[1])
  watch.onWork({ task: 'saliency', done: 10, total: 10 }, 'soft')
  expect(lines.at(-1)).toMatch(/which tokens count, 10 of 10/)
  expect(Number(/(\d+) %/.exec(lines.at(-1) ?? '')?.[1])).toBeGreaterThan(before)
})

test('counts the time of a resumed training by the steps that it takes itself', () => {
  const { watch, lines, second } = shown()
  watch.expect(methodWork({ ...size, examples: 0, selection: 0, looksAtTokens: false, learnsAlone: false }))
  watch.expect({ soft: 100 })
  watch.enter('soft')
  watch.onWork({ task: 'step', done: 50.5, total: 100 }, 'soft')
  for (let i = 0; i < 10; i++) second()
  watch.onWork({ task: 'step', done: 60, total: 100 }, 'soft')
  expect(lines.at(-1)).toMatch(/ 60 % {2}soft training, 60 of 100, 57\.0\/min, 42 s left/)
})
