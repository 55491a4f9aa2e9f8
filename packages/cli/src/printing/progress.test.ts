import { expect, test } from 'vitest'
import { progressTo } from './progress.ts'
import { widthOf } from './terminal.ts'

function screen(columns?: number) {
  let time = 0
  const written: string[] = []
  const stream = {
    isTTY: columns !== undefined,
    ...(columns && { columns }),
    write: (text: string) => written.push(text),
  }
  const progress = progressTo(stream, () => time)
  return { progress, written, wait: (seconds: number) => (time += 1000 * seconds) }
}
const shown = (text: string | undefined): string => text?.replace('\r\u001b[K', '') ?? ''

test('shows one bar for the whole job, with rate and time left, and never goes back', () => {
  const { progress, written, wait } = screen(120)
  progress.expect?.([
    { work: 100, kind: 'evaluation' },
    { work: 100, kind: 'evaluation' },
  ])
  progress.stage('evaluating dense')
  wait(4)
  progress.step(50, 100)
  expect(shown(written.at(-1))).toBe('████░░░░░░░░░░░░  25 %  evaluating dense, 50 of 100, 13/s, 12 s left')
  wait(4)
  progress.step(100, 100)
  progress.stage('evaluating pruned')
  expect(shown(written.at(-1))).toMatch(/^████████░░░░░░░░ {2}50 % {2}evaluating pruned/)
  progress.stage('evaluating dense', 0)
  expect(shown(written.at(-1))).toMatch(/^████████░/)
  progress.end()
})

/** The text about the time left, after each of the steps [seconds, done, total]; empty where there is none. */
function timeLeft(steps: readonly (readonly [seconds: number, done: number, total: number])[], on = screen(200)) {
  return steps.map(([seconds, done, total]) => {
    on.wait(seconds)
    on.progress.step(done, total)
    return /, ([^,]* left)/.exec(shown(on.written.at(-1)))?.[1] ?? ''
  })
}

test('never says less time than what is counted takes at the rate that is shown', () => {
  const on = screen(200)
  // A realistic training: its teacher answers far faster than a step takes.
  on.progress.expect?.([{ work: 6400, kind: 'dense' }, { work: 15_000, kind: 'training' }, { work: 300 }])
  on.progress.stage('running the dense model')
  timeLeft([[60, 6400, 6400]], on)
  on.progress.stage('fine-tuning')
  expect(timeLeft([[423, 272, 1600]], on)).toEqual(['35 min left'])
  expect(shown(on.written.at(-1))).toContain('272 of 1600, 38.6/min, 35 min left')
})

type Stages = readonly { readonly work: number; readonly kind?: string; readonly seconds?: number }[]
type Steps = Parameters<typeof timeLeft>[0]

test.each<[string, Stages, Steps, string[]]>([
  [
    'says nothing while most of the work is of a kind that has not begun',
    [
      { work: 100, kind: 'dense' },
      { work: 1000, kind: 'training' },
    ],
    [
      [5, 20, 100],
      [5, 60, 100],
    ],
    ['', ''],
  ],
  [
    'does not count the time in which a stage was prepared',
    [{ work: 1 }],
    [
      [60, 1, 101],
      [5, 51, 101],
    ],
    ['', '5 s left'],
  ],
  [
    'says nothing where a stage begins to count again',
    [{ work: 1 }],
    [
      [9, 90, 100],
      [9, 10, 100],
    ],
    ['1 s left', ''],
  ],
  [
    'adds the time of stages that is known beforehand',
    [
      { work: 100, kind: 'evaluation' },
      { work: 100, kind: 'timing', seconds: 20 },
    ],
    [[5, 50, 100]],
    ['25 s left'],
  ],
])('time left: %s', (_, stages, steps, texts) => {
  const on = screen(200)
  on.progress.expect?.(stages)
  on.progress.stage('evaluating')
  expect(timeLeft(steps, on)).toEqual(texts)
})

test('says nothing of the time left of a job whose stages are not known', () => {
  const alone = screen(200)
  alone.progress.stage('evaluating')
  expect(timeLeft([[9, 1, 30]], alone)).toEqual([''])
})

test('counts what an earlier run did neither as done now nor as left', () => {
  const on = screen(200)
  on.progress.expect?.([{ work: 1 }])
  on.progress.stage('running', undefined, 900)
  expect(timeLeft([[10, 950, 1000]], on)).toEqual(['10 s left'])
})

test('says nothing of a job whose first stage has not begun', () => {
  const { progress, written, wait } = screen()
  progress.stage('embedding')
  progress.step(150, 150)
  progress.expect?.(2)
  const before = written.length
  wait(9)
  progress.step(1, 2)
  expect(written).toHaveLength(before)
  progress.stage('tuning')
  expect(written.at(-1)).toBe('tuning …\n')
  progress.end()
})

test('weighs stages by their work, and goes on where more is known of it', () => {
  const { progress, written, wait } = screen(120)
  const stages = (...work: number[]) => work.map((each) => ({ work: each, kind: 'passes' }))
  progress.expect?.(stages(10, 0, 30))
  progress.stage('asking', 0)
  wait(10)
  progress.step(10, 10)
  expect(shown(written.at(-1))).toMatch(/^████░{12} {2}25 % {2}asking, 10 of 10, 1.0\/s, 30 s left/)
  progress.expect?.(stages(10, 10, 20), true)
  progress.stage('looking', 1)
  expect(shown(written.at(-1))).toMatch(/ {2}25 % {2}looking$/)
  wait(10)
  progress.stage('training', 2)
  wait(5)
  progress.step(0.5, 1, 'loss 1')
  expect(shown(written.at(-1))).toMatch(/ {2}75 % {2}training, 0 of 1, 6.0\/min, 5 s left, loss 1/)
})

test('the line is never longer than the terminal is wide', () => {
  const { progress, written, wait } = screen(40)
  progress.expect?.(3)
  progress.stage('evaluating a method with a very long name indeed')
  wait(5)
  progress.step(1, 3, 'best so far received-attention: keep 0.1914 at layer 0, 0.1914 at layer 1')
  for (const text of written) expect(widthOf(shown(text))).toBeLessThan(40)
  progress.end()
})

test('writes one line a stage to an output that is not a terminal, however long it takes and often it returns', () => {
  const { progress, written, wait } = screen()
  progress.expect?.(2)
  for (let step = 0; step < 100; step++) {
    progress.stage(step % 2 === 0 ? 'choosing' : 'looking', step % 2)
    wait(60)
    progress.step(step, 100, 'best so far tome')
  }
  progress.note('tome is not tried')
  expect(written).toEqual(['choosing …\n', 'looking …\n', 'tome is not tried\n'])
})
