import { describe, expect, test } from 'vitest'
import { imageDataset } from '../datasets/dataset.ts'
import { distinctExamples } from './distinct-examples.ts'
import { imageInputs } from './image-inputs.ts'
import { someExamples } from './some-examples.ts'

const declared = [{ name: 'pixel_values', type: 'float32', dims: ['batch', 2, 1, 2] }]
const images = imageDataset('images', { channels: 2, height: 1, width: 2 }, [
  { pixels: Float32Array.of(0, 1, 0.5, 0.5), label: 3 },
  { pixels: Float32Array.of(1, 1, 0, 1), label: 0 },
])

describe('imageInputs', () => {
  test('knows the same image under two names', async () => {
    const twice = imageDataset('images', { channels: 2, height: 1, width: 2 }, [
      { pixels: Float32Array.of(0, 1, 0.5, 0.5), label: 3 },
      { pixels: Float32Array.of(1, 1, 0, 1), label: 0 },
      { pixels: Float32Array.of(0, 1, 0.5, 0.5), label: 3 },
    ])
    const inputs = await imageInputs(twice, declared, { normalization: { mean: [0], std: [1] } })
    expect((await distinctExamples(inputs)).targets).toEqual([3, 0])
    expect((await distinctExamples(someExamples(inputs, [1, 2]))).targets).toEqual([0, 3])
  })

  test('normalizes by channel', async () => {
    const normalization = { mean: [0.5, 0], std: [0.5, 0.25] }
    const { feeds, targets, notes } = await imageInputs(images, declared, { normalization })
    expect([targets, notes]).toEqual([[3, 0], []])
    expect(await feeds([1, 0])).toEqual({
      pixel_values: { type: 'float32', dims: [2, 2, 1, 2], data: Float32Array.of(1, 1, 0, 4, -1, 1, 2, 2) },
    })
  })

  test('uses one mean and deviation for all channels', async () => {
    const { feeds } = await imageInputs(images, declared, { normalization: { mean: [0.5], std: [0.5] } })
    expect((await feeds([0])).pixel_values?.data).toEqual(Float32Array.of(-1, 1, 0, 0))
  })

  test('scales to mean 0 and deviation 1 without normalization, and adds a note', async () => {
    const { feeds, notes } = await imageInputs(images, declared)
    expect(notes).toEqual([expect.stringContaining('their own mean 0.7500 0.5000 and standard deviation')])
    const { pixel_values: tensor } = await feeds([0, 1])
    const data = Array.from(tensor?.data as Float32Array)
    for (const channel of [0, 1]) {
      const values = data.filter((_, i) => Math.floor(i / 2) % 2 === channel)
      expect(values.reduce((sum, x) => sum + x, 0)).toBeCloseTo(0, 5)
      expect(values.reduce((sum, x) => sum + x * x, 0) / 4).toBeCloseTo(1, 5)
    }
  })

  test('names an image of a different size', async () => {
    const other = [{ name: 'x', type: 'float32', dims: [1, 2, 2, 2] }]
    const { feeds } = await imageInputs(images, other, { normalization: { mean: [0], std: [1] } })
    await expect(feeds([0])).rejects.toMatchObject({
      code: 'TP_DATA',
      message: expect.stringContaining('[data] images, image 0: is 2 × 1 × 2, but 2 × 2 × 2 is needed'),
    })
  })

  test('refuses other inputs and a deviation of 0', async () => {
    const flat = [{ name: 'x', type: 'float32', dims: ['b', 784] }]
    await expect(imageInputs(images, flat)).rejects.toThrow('is not float32 [batch, channels, height, width]')
    const last = [{ name: 'x', type: 'float32', dims: ['b', 224, 224, 3] }]
    await expect(imageInputs(images, last)).rejects.toThrow(
      '"x", float32 [b, 224, 224, 3], is not float32 [batch, channels',
    )
    await expect(imageInputs(images, [...declared, ...flat])).rejects.toThrow('the model has 2: pixel_values, x')
    const normalization = { mean: [0], std: [0] }
    await expect(imageInputs(images, declared, { normalization })).rejects.toMatchObject({ code: 'TP_OPTION' })
  })
})
