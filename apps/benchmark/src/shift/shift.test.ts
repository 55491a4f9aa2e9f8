import { type AudioDataset, type Dataset, imageDataset, type Modality, textDataset } from '@tp/data/inputs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Shift, shifted } from './shift.ts'
import { namedShift, shiftSuite, shifts } from './shifts.ts'

const texts = textDataset('texts', [
  { text: 'The quick brown foxes are jumping over several lazy dogs today.', label: 1, source: 'line 1' },
  { text: 'Ein Übermaß an Größe, naïve café — 日本語, 😀!', label: 0 },
  { text: 'words that repeat themselves '.repeat(40), label: 1 },
  { text: '', label: 2 },
])
const images = imageDataset('images', { channels: 2, height: 9, width: 12 }, [
  { pixels: Float32Array.from({ length: 216 }, (_, i) => ((i * 7919) % 256) / 255), label: 3 },
  { pixels: new Float32Array(216).fill(0.5), label: 4 },
])
const sounds: AudioDataset = {
  modality: 'audio',
  source: 'sounds',
  examples: [
    { samples: Float32Array.from({ length: 400 }, (_, i) => Math.sin(i / 5) / 2), label: 5 },
    { samples: new Float32Array(400), label: 6 },
  ].map(({ samples, label }) => ({ label, source: `sound ${label}`, read: () => ({ sampleRate: 400, samples }) })),
}
const datasets: Readonly<Record<Modality, Dataset>> = { text: texts, image: images, audio: sounds }
const modalities = ['text', 'image', 'audio'] as const
const suite = modalities.flatMap((modality) => shiftSuite(modality).map((shift): Shift => shift))

function contents(dataset: Dataset): Promise<unknown[]> {
  return Promise.all(dataset.examples.map((example) => example.read()))
}

describe.each(suite.map((shift) => [`${shift.modality} ${shift.name}`, shift] as const))('%s', (_, shift) => {
  const dataset = datasets[shift.modality]

  test('keeps labels, names itself in the source, and does not change the data set', async () => {
    const before = structuredClone(await contents(dataset))
    const made = shifted(dataset, shift)
    await contents(made)
    expect(made.examples.map(({ label }) => label)).toEqual(dataset.examples.map(({ label }) => label))
    expect(made.source).toBe(`${dataset.source}, ${shift.name}`)
    expect(made.examples[0]?.source).toBe(`${dataset.examples[0]?.source}, ${shift.name}`)
    expect(await contents(dataset)).toEqual(before)
  })

  test('a shift is the same on every reading, in any order', async () => {
    const once = await contents(shifted(dataset, shift, { seed: 3 }))
    const again = shifted(dataset, shift, { seed: 3 })
    for (const i of [...again.examples.keys()].reverse()) expect(await again.examples[i]?.read()).toEqual(once[i])
  })

  test('changes something', async () => {
    expect(await contents(shifted(dataset, shift, { seed: 1 }))).not.toEqual(await contents(dataset))
  })
})

const entries = modalities.flatMap((modality) =>
  shifts[modality].map(({ name, levels }) => ({ modality, name, levels })),
)

test.each(entries)('changes no $modality by $name at severity 0', async ({ modality, name }) => {
  const dataset = datasets[modality]
  expect(await contents(shifted(dataset, namedShift(modality, name, 0) as Shift))).toEqual(await contents(dataset))
})

test('tells seeds apart', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
      const noise = namedShift('image', 'noise', 1)
      const [one, other] = [shifted(images, noise, { seed }), shifted(images, noise, { seed: seed + 1 })]
      expect(await contents(one)).not.toEqual(await contents(other))
    }),
    { numRuns: 20 },
  )
})

test('shifts equal examples differently', async () => {
  const twice = textDataset(
    'twice',
    [0, 1].map((label) => ({ text: 'several words that are misspelt here', label })),
  )
  const [one, other] = await contents(shifted(twice, namedShift('text', 'typos', 5)))
  expect(one).not.toBe(other)
})

test('gives the recorded result on every machine', async () => {
  const [text] = await contents(shifted(texts, namedShift('text', 'typos', 5)))
  expect(text).toBe('The quicck bronw foxes are jumpig over ssveral lzy dgos today.')
  const [image] = await contents(shifted(images, namedShift('image', 'noise', 3)))
  expect([...(image as { pixels: Float32Array }).pixels.subarray(0, 3)]).toEqual([
    0, 0.9882800579071045, 0.7560980319976807,
  ])
})

test('refuses a shift of other data, an unknown one and an unknown severity', () => {
  const refused = expect.objectContaining({ code: 'TP_OPTION' })
  expect(() => shifted(texts as Dataset, namedShift('image', 'noise', 1) as Shift)).toThrow(refused)
  expect(() => namedShift('text', 'fog', 1)).toThrow(refused)
  expect(() => namedShift('text', 'typos', 6)).toThrow(refused)
  expect(() => namedShift('text', 'typos', 0.5)).toThrow(refused)
})

test('gives a suite of each shift at the severities asked for, or at its strongest', () => {
  const names = shiftSuite('text', [2, 4]).map(({ name }) => name)
  expect(names).toContain('typos:2')
  expect(names).toContain('typos:4')
  expect(names.filter((name) => name.startsWith('upper-case'))).toEqual(['upper-case:1'])
})
