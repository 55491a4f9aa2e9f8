import { randomNumbers } from '@tp/core/statistics'
import { expect, test } from 'vitest'
import { probabilities } from './predictions.ts'
import { temperatureOf } from './temperature.ts'

/** Logits of three classes, and labels drawn from their probabilities. */
function drawn(examples: number): { readonly rows: readonly Float32Array[]; readonly targets: readonly number[] } {
  const random = randomNumbers(3)
  const rows = Array.from({ length: examples }, () => Float32Array.from({ length: 3 }, () => 4 * random()))
  const targets = rows.map((row) => {
    const [first = 0, second = 0] = probabilities(row)
    const at = random()
    return at < first ? 0 : at < first + second ? 1 : 2
  })
  return { rows, targets }
}

test.each([0.5, 1, 2, 3])('finds that logits are %f times as large as labels say', (factor) => {
  const { rows, targets } = drawn(4000)
  const logits = Float32Array.from(
    rows.flatMap((row) => [...row]),
    (logit) => factor * logit,
  )
  expect(Math.abs(temperatureOf({ logits, classes: 3 }, targets) / factor - 1)).toBeLessThan(0.09)
})

test('changes little by few labels, and nothing by none', () => {
  const logits = Float32Array.from([5, 0, 5, 0])
  expect(temperatureOf({ logits, classes: 2 }, [0, 0])).toBeGreaterThan(0.9)
  expect(temperatureOf({ logits, classes: 2 }, [0, 0])).toBeLessThan(1)
  expect(temperatureOf({ logits, classes: 2 }, [-1, -1])).toBeCloseTo(1, 6)
})

test('takes large logits', () => {
  const logits = Float32Array.from([1000, 999, 1000, 999])
  expect(temperatureOf({ logits, classes: 2 }, [0, 1])).toBeCloseTo(1, 0)
})
