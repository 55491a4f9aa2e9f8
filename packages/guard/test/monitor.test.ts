import { randomNumbers } from '@tp/core/statistics'
import { describe, expect, test } from 'vitest'
import { type Alarm, type Baseline, monitor, recordBaseline } from '../src/index.ts'
import { openSums, rowsOf } from './sums.ts'

const random = randomNumbers(2)
const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
/** Rows of one number each; margins are 2·|x|. */
const drawn = (count: number, mean = 3): number[][] => Array.from({ length: count }, () => [mean + normal()])

async function baseline(rows: number[][], most?: number): Promise<Baseline> {
  await using session = await openSums()
  const recorder = recordBaseline(session, { random, most })
  for (let i = 0; i < rows.length; i += 100) await recorder.run(rowsOf(rows.slice(i, i + 100)))
  return recorder.baseline()
}

test('holds in a baseline what the model gave, to six digits', async () => {
  const rows = drawn(50)
  const { signals } = await baseline(rows)
  expect(Object.keys(signals)).toEqual(['margin'])
  for (const [i, margin] of (signals.margin ?? []).entries()) {
    expect(margin).toBeCloseTo(2 * Math.abs(rows[i]?.[0] as number), 4)
    expect(
      String(margin)
        .replace(/[-.]|e.*/g, '')
        .replace(/^0+/, '').length,
    ).toBeLessThanOrEqual(6)
  }
})

test('holds each input with the same chance where there are more than it may hold', async () => {
  const rows = Array.from({ length: 1000 }, (_, i) => [i + 1])
  const { signals } = await baseline(rows, 200)
  const values = signals.margin ?? []
  expect(values).toHaveLength(200)
  expect(new Set(values).size).toBe(200)
  const mean = values.reduce((sum, value) => sum + value, 0) / 200
  expect(Math.abs(mean - 1001)).toBeLessThan(4 * (577 / Math.sqrt(200)))
})

describe('a monitor', () => {
  test('stays silent while inputs are as before, and soon reports when they are not', async () => {
    const alarms: Alarm[] = []
    const watched = monitor(await openSums(), await baseline(drawn(1000)), {
      random,
      onAlarm: (alarm) => alarms.push(alarm),
    })
    await using session = watched
    for (let i = 0; i < 20; i++) await session.run(rowsOf(drawn(50)))
    expect(alarms).toEqual([])
    for (let i = 0; i < 4; i++) await session.run(rowsOf(drawn(50, 1)))
    const [first] = alarms
    expect(first).toMatchObject({ signal: 'margin', since: 0 })
    expect(first?.input).toBeGreaterThan(1000)
    expect(first?.input).toBeLessThan(1050)
    expect(first?.seen).toBeLessThan(first?.expected as number)
    const { inputs, alarms: all } = session.statistics()
    expect([inputs, all]).toEqual([1200, alarms])
    // it continues, and alarms repeatedly while the drift lasts
    expect(alarms.length).toBeGreaterThan(1)
    expect(alarms[1]?.since).toBe(first?.input)
  })

  test('gives its figures as outputs on request, row by row', async () => {
    const plain = await openSums()
    const watched = monitor(plain, await baseline(drawn(400)), { random, outputs: true })
    await using session = watched
    const declared = session.outputs.map(({ name, type }) => `${name} ${type}`)
    expect(declared.slice(-3)).toEqual([
      'tp.monitor.margin float32',
      'tp.monitor.drift float32',
      'tp.monitor.alarm bool',
    ])
    const outputs = await session.run(rowsOf(drawn(60, 0.5)))
    const drift = Array.from(outputs['tp.monitor.drift']?.data as Float32Array)
    const alarm = Array.from(outputs['tp.monitor.alarm']?.data as Uint8Array)
    expect(alarm).toContain(1)
    expect(drift.map((evidence) => Number(evidence >= 1))).toEqual(alarm)
    const [best, other] = Array.from(outputs.logits?.data as Float32Array)
    expect(outputs['tp.monitor.margin']?.data[0]).toBeCloseTo(Math.abs((best as number) - (other as number)), 4)
    expect(Object.keys(await plain.run(rowsOf(drawn(1))))).toEqual(['logits'])
  })

  test('restarts after the number of inputs that it remembers', async () => {
    const short = monitor(await openSums(), await baseline(drawn(100)), { random, memory: 100, falseAlarmRate: 1e-9 })
    await using session = short
    await session.run(rowsOf(drawn(100)))
    await session.run(rowsOf(drawn(100, 2.9)))
    expect(session.statistics()).toMatchObject({ inputs: 200, alarms: [] })
    expect(session.statistics().drift.margin).toBeLessThan(1e-3)
  })

  test('does not watch the warm-up, and disposes of its session', async () => {
    const inner = await openSums()
    const session = monitor(inner, await baseline(drawn(30)))
    await session.warmUp(rowsOf(drawn(1)))
    expect(session.statistics().inputs).toBe(0)
    await session.dispose()
    await expect(inner.run(rowsOf(drawn(1)))).rejects.toMatchObject({ code: 'TP_DISPOSED' })
  })
})

describe('a monitor refuses', () => {
  test.each<[string, object, string]>([
    ['a rate of 0', { falseAlarmRate: 0 }, 'TP_OPTION'],
    ['a rate of 1', { falseAlarmRate: 1 }, 'TP_OPTION'],
    ['a memory of 10', { memory: 10 }, 'TP_OPTION'],
    ['another output', { output: 'scores' }, 'TP_OUTPUT'],
  ])('%s', async (_, options, code) => {
    await using session = await openSums()
    const values = await baseline(drawn(30))
    expect(() => monitor(session, values, options)).toThrow(expect.objectContaining({ code }))
  })

  test.each<[string, Baseline['signals']]>([
    ['no signal', {}],
    ['a signal that the model does not give', { margin: drawn(30).flat(), mass: drawn(30).flat() }],
    ['too few values', { margin: [1, 2, 3] }],
  ])('a baseline with %s', async (_, signals) => {
    await using session = await openSums()
    expect(() => monitor(session, { signals })).toThrow(expect.objectContaining({ code: 'TP_MONITOR' }))
  })

  test('a baseline of inputs without an answer', async () => {
    await expect(baseline([...drawn(30), [Number.NaN]])).rejects.toMatchObject({ code: 'TP_CALIBRATION' })
  })

  test('a baseline of too few inputs', async () => {
    await expect(baseline(drawn(19))).rejects.toMatchObject({ code: 'TP_CALIBRATION' })
  })
})
