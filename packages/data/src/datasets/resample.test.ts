import { expect, test } from 'vitest'
import { resample } from './resample.ts'

const image = {
  data: Uint8Array.of(
    ...[0, 255, 40, 200, 90],
    ...[10, 20, 250, 60, 130],
    ...[77, 180, 5, 240, 33],
    ...[120, 64, 99, 211, 160],
  ),
  width: 5,
  height: 4,
  channels: 1,
}

// By Pillow 13.0.0: Image.fromarray(image).resize((width, height), kernel).
test.each([
  ['nearest', [10, 250, 130, 120, 99, 160], [0, 255, 255, 40, 200, 200, 90]],
  ['lanczos3', [65, 148, 111, 88, 117, 150], [0, 182, 237, 14, 163, 184, 67]],
  ['linear', [70, 134, 119, 95, 113, 145], [0, 146, 194, 40, 154, 153, 90]],
  ['cubic', [66, 142, 116, 94, 114, 148], [0, 167, 226, 26, 167, 168, 81]],
  ['box', [72, 145, 120, 111, 52, 162], [0, 255, 255, 40, 200, 200, 90]],
  ['hamming', [57, 139, 117, 104, 91, 143], [0, 169, 232, 40, 183, 163, 90]],
] as const)('reduces and enlarges by the kernel %s as Pillow does', (kernel, reduced, firstRow) => {
  const small = resample(image, { width: 3, height: 2 }, kernel)
  expect([small.width, small.height, [...small.data]]).toEqual([3, 2, reduced])
  expect([...resample(image, { width: 7, height: 6 }, kernel).data.subarray(0, 7)]).toEqual(firstRow)
})

test('keeps colors apart', () => {
  const colors = { data: Uint8Array.of(255, 0, 0, 0, 0, 255), width: 2, height: 1, channels: 3 }
  expect([...resample(colors, { width: 1, height: 1 }, 'linear').data]).toEqual([128, 0, 128])
})
