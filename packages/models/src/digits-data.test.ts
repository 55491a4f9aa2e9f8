import { describe, expect, test } from 'vitest'
import { type DigitsSplit, digitsData } from './digits-data.ts'

describe('digitsData', () => {
  const splits = (['train', 'calibration', 'test'] as const).map((name: DigitsSplit) => digitsData(name))
  const [train = [], calibration = [], heldOut = []] = splits

  test('divides 10,000 images, one in twenty for calibration and two in twenty for test', () => {
    expect(train.length + calibration.length + heldOut.length).toBe(10_000)
    for (let digit = 0; digit < 10; digit++) {
      const [inTrain = 0, inCalibration = 0, inTest = 0] = splits.map(
        (digits) => digits.filter(({ label }) => label === digit).length,
      )
      const count = inTrain + inCalibration + inTest
      // i mod 20 = 0, and i mod 20 in 1…2, for i below count
      expect(inCalibration).toBe(Math.ceil(count / 20))
      expect(inTest).toBe(2 * Math.floor(count / 20) + Math.min(2, Math.max(0, (count % 20) - 1)))
    }
  })

  test('has images of 28 × 28 brightnesses in 0…1, with ink in the middle', () => {
    for (const { pixels } of heldOut) {
      expect(pixels).toHaveLength(784)
      expect(pixels.every((x) => x >= 0 && x <= 1)).toBe(true)
      expect(Math.max(...pixels)).toBeGreaterThan(0.5)
      expect(pixels[0]).toBe(0)
    }
  })
})
