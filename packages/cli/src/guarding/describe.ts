import type { Alarm } from '@tp/guard'
import { factor, grouped, interval, points } from '../output/numbers.ts'
import { table } from '../output/table.ts'
import type { GuardedFigures } from './guarded-rows.ts'

export function describeGuarded({ rows, fallbacks, alarms }: GuardedFigures): string {
  const cells = rows.map(({ model, accuracy, loss, agreement, latency: { p50Ms, speedup } }, i) => [
    model,
    interval(accuracy),
    i === 0 ? '' : points(loss),
    `${agreement.toFixed(1)} %`,
    model === 'guarded' ? `${(100 * fallbacks).toFixed(1)} %` : '',
    p50Ms.toFixed(2),
    factor(i === 0 ? 1 : speedup.value),
  ])
  const headings = ['model', 'accuracy', 'loss in points', 'agrees with dense', 'fallbacks', 'p50 ms', 'speed-up']
  return [
    table(headings, cells, ['model']),
    ...(alarms ?? []).map(alarmText),
    ...(alarms?.length === 0 ? ['no alarm'] : []),
  ].join('\n')
}

function alarmText({ signal, input, since, seen, expected }: Alarm): string {
  const from = since === 0 ? '' : `, from ${grouped(since + 1)} on`
  return `alarm at example ${grouped(input)}${from}: ${signal} was ${expected} in the calibration (median), and is ${seen} now`
}

export function guardedContent({ rows, fallbacks, alarms }: GuardedFigures): object {
  return {
    rows: rows.map(({ model, accuracy, loss, agreement, largestDifference, latency: { p50Ms, p90Ms, speedup } }) => ({
      model,
      accuracy: accuracy.estimate,
      low: accuracy.low,
      high: accuracy.high,
      loss,
      agreement,
      largestDifference,
      p50Ms,
      p90Ms,
      speedup: speedup.value,
      speedupLow: speedup.low,
      speedupHigh: speedup.high,
    })),
    fallbacks,
    ...(alarms && { alarms }),
  }
}
