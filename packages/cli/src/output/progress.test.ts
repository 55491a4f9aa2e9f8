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
  progress.expect?.(2)
  progress.stage('evaluating dense')
  wait(4)
  progress.step(50, 100)
  expect(shown(written.at(-1))).toBe('████░░░░░░░░░░░░  25 %  evaluating dense, 50 of 100, 13/s, 12 s left')
  wait(4)
  progress.step(100, 100)
  progress.stage('timing')
  expect(shown(written.at(-1))).toMatch(/^████████░░░░░░░░ {2}50 % {2}timing/)
  progress.stage('evaluating dense', 0)
  expect(shown(written.at(-1))).toMatch(/^████████░/)
  progress.end()
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
  progress.expect?.([10, 0, 30])
  progress.stage('asking', 0)
  wait(10)
  progress.step(10, 10)
  expect(shown(written.at(-1))).toMatch(/^████░{12} {2}25 % {2}asking, 10 of 10, 1.0\/s, 30 s left/)
  progress.expect?.([10, 10, 20], true)
  progress.stage('looking', 1)
  expect(shown(written.at(-1))).toMatch(/ {2}25 % {2}looking, 30 s left/)
  wait(10)
  progress.stage('training', 2)
  wait(1)
  progress.step(0.5, 1, 'loss 1')
  expect(shown(written.at(-1))).toMatch(/ {2}75 % {2}training, 0 of 1, 7 s left, loss 1/)
})

test('is never longer than the terminal is wide', () => {
  const { progress, written, wait } = screen(40)
  progress.expect?.(3)
  progress.stage('evaluating a method with a very long name indeed')
  wait(5)
  progress.step(1, 3, 'best so far received-attention: keep 0.1914 at layer 0, 0.1914 at layer 1')
  for (const text of written) expect(widthOf(shown(text))).toBeLessThan(40)
  progress.end()
})

test('tells what is no terminal each stage, and within five seconds how far it is', () => {
  const { progress, written, wait } = screen()
  progress.stage('choosing')
  progress.step(1, 9)
  wait(5)
  progress.step(2, 9, 'best so far tome')
  expect(written).toEqual(['choosing …\n', 'choosing … 2 of 9, 24.0/min, 18 s left, best so far tome\n'])
})
