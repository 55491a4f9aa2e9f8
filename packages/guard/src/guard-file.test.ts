import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { randomNumbers } from '@tp/core/statistics'
import { expect, test } from 'vitest'
import { calibrateCascade } from './calibrate-cascade.ts'
import { type Guard, readGuard } from './guard-file.ts'

const random = randomNumbers(1)
const logits = Array.from({ length: 200 }, () => [random(), random()])
const values = Array.from({ length: 20 }, (_, i) => i / 20)
const guard: Guard = {
  format: 1,
  models: { pruned: 'a'.repeat(64), dense: 'b'.repeat(64) },
  cascade: calibrateCascade({
    pruned: logits,
    dense: logits.map(([a = 0, b = 0], i) => (i < 30 ? [b, a] : [a, b])),
    agreement: 0.9,
    speedup: 2,
  }),
  monitor: {
    signals: { margin: values, mass: values.map((value) => value / 2) },
    falseAlarms: { falseAlarmRate: 1e-5, inputs: 10, streams: 200, alarms: 0 },
  },
}

test('reads back the guard that it wrote', () => {
  const text = JSON.stringify(guard)
  expect(guard.cascade.threshold).not.toBeNull()
  expect(readGuard(text, 'guard.json')).toEqual(guard)
  expect(readGuard(JSON.parse(text), 'guard.json')).toEqual(guard)
})

/** The guard with other fields of its cascade, or of its monitor. */
const cascade = (fields: object): object => ({ ...guard, cascade: { ...guard.cascade, ...fields } })
const monitor = (fields: object): object => ({ ...guard, monitor: { ...guard.monitor, ...fields } })

test.each<[string, unknown, string]>([
  ['a file that is not JSON', '{', 'invalid JSON'],
  ['a file that is not an object', '[]', 'this is not a guard'],
  ['another format', { ...guard, format: 2 }, 'format is 2'],
  ['no cascade', { format: 1, monitor: guard.monitor }, 'cascade is missing'],
  ['no monitor', { format: 1, cascade: guard.cascade }, 'monitor is missing'],
  ['an unknown field', { ...guard, rate: -1 }, 'rate is unknown'],
  ['models that are not hashes', { ...guard, models: { pruned: 'x', dense: 'y' } }, 'models.pruned is "x"'],
  ['a threshold that is not a number', cascade({ threshold: '0.1' }), 'cascade.threshold is "0.1"'],
  ['a threshold at which everything falls back', cascade({ threshold: -5 }), 'cascade.threshold is -5'],
  ['a threshold at which nothing falls back', cascade({ threshold: 1e308 }), 'cascade.threshold is 1e+308'],
  ['a margin above 0', cascade({ uncertainty: 'margin', threshold: 0.5 }), 'for margin it must be 0 or less'],
  ['an unknown uncertainty', cascade({ uncertainty: 'variance' }), 'probability, margin, entropy'],
  ['an inherited name for an uncertainty', cascade({ uncertainty: 'constructor' }), 'probability, margin, entropy'],
  ['no confidence', cascade({ confidence: undefined }), 'cascade.confidence is missing'],
  ['agreement that promises nothing', cascade({ agreement: 1 }), 'cascade.agreement is 1'],
  ['no examples', cascade({ examples: 0 }), 'cascade.examples is 0'],
  ['more disagreements than examples', cascade({ disagreements: 1000 }), 'that cannot be'],
  ['a share above 1', cascade({ share: { estimate: 2, low: 0, high: 1 } }), 'cascade.share.estimate is 2'],
  ['no cost', cascade({ cost: null }), 'cascade.cost is null'],
  ['text for a cost', cascade({ cost: '<b>' }), 'cascade.cost is "<b>"'],
  ['a cost without numbers', cascade({ cost: {} }), 'cascade.cost.speedup is missing'],
  ['no signals', monitor({ signals: {} }), 'monitor.signals.margin is missing'],
  ['an unknown signal', monitor({ signals: { entropy: [1] } }), 'there are margin, mass, kept'],
  ['an inherited name for a signal', monitor({ signals: JSON.parse('{"__proto__":[1]}') }), 'has __proto__'],
  ['no values', monitor({ signals: { margin: [] } }), 'has 0 values; a monitor needs 20 or more'],
  ['values that are not numbers', monitor({ signals: { margin: [null] } }), 'a list of numbers'],
  ['a number for values', monitor({ signals: { margin: 3 } }), 'a list of numbers'],
  ['signals of different inputs', monitor({ signals: { margin: values, mass: [...values, 1] } }), 'of the same inputs'],
  ['no false alarms', monitor({ falseAlarms: null }), 'monitor.falseAlarms is null'],
  ['text for false alarms', monitor({ falseAlarms: 'x' }), 'monitor.falseAlarms is "x"'],
  [
    'a rate that is not a number',
    monitor({ falseAlarms: { ...guard.monitor.falseAlarms, falseAlarmRate: 2 } }),
    'falseAlarmRate is 2',
  ],
  ['an unknown field of the monitor', monitor({ rate: -1 }), 'monitor.rate is unknown'],
  ['a long text', cascade({ cost: 'x'.repeat(1e6) }), '…; it must be an object'],
])('refuses %s', (_, value, message) => {
  // As it comes from a file, and as it may come from a program.
  for (const form of [value, typeof value === 'string' ? value : JSON.stringify(value)]) {
    expect(() => readGuard(form, 'guard.json')).toThrow(
      expect.objectContaining({ code: 'TP_GUARD', where: 'guard.json', message: expect.stringContaining(message) }),
    )
  }
})

const hostile = new URL('../../../../shared/hostile/guards/', import.meta.url)
test.runIf(existsSync(hostile)).each(existsSync(hostile) ? readdirSync(hostile) : [])(
  'refuses hostile files: %s',
  (name) => {
    const refused = expect.objectContaining({ code: 'TP_GUARD' })
    expect(() => readGuard(readFileSync(new URL(name, hostile), 'utf8'), name)).toThrow(refused)
  },
)
