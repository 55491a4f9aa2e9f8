import { type Method, quasiRandom, random, schedule } from '@tp/core'
import { clsAttention } from '@tp/method-attention'
import { tome } from '@tp/method-hybrid'
import { encodeModel } from '@tp/onnx'
import type { Subject } from '../measure/subject.ts'
import { prunedModel } from '../measure/variant.ts'
import { writeWhole } from '../output/write-file.ts'
import { reportPath } from '../report/report.ts'
import type { Context, Findings, Section } from '../report/section.ts'
import { type Encoder, encoders, openEncoder } from './encoders.ts'
import { type Background, explanation, percent } from './explanation.ts'
import { heatMaps } from './heat-maps.ts'
import { backgroundShare, commonShare, type Kept, PATCH, patchesOf } from './patches.ts'

/** Which tokens are looked at: those that a method keeps of all where it cuts but once. */
interface Look {
  readonly label: string
  readonly method: Method
  readonly keep: number
  readonly layer: number
}

const LAYERS = [0, 1, 3]
const MOST = 0.1
const KEPT = 0.6

const looks: readonly Look[] = [
  ...LAYERS.map((layer) => ({ label: `most attention, layer ${layer}`, method: clsAttention(), keep: MOST, layer })),
  ...LAYERS.map((layer) => ({ label: `cls-attention, layer ${layer}`, method: clsAttention(), keep: KEPT, layer })),
  ...[tome(), quasiRandom(), random()].map((method) => ({
    label: `${method.name}, layer 0`,
    method,
    keep: KEPT,
    layer: 0,
  })),
]
/** Of the looks: the tokens that the class token attends to most, behind the first layers. */
const LATER = 2

/** Models and classes that are drawn. */
const drawn = [
  { model: 'fashion-vit', classes: { 0: 't-shirt', 1: 'trousers', 5: 'sandal', 8: 'bag', 9: 'ankle boot' } },
  { model: 'digits-vit', classes: { 0: '0', 1: '1', 5: '5', 8: '8', 9: '9' } },
] as const
const EXAMPLES = 1000
const BATCH = 8
/** What the class token looks at, averaged over the images of a class: the images themselves are not ours to show. */
export const attentionMaps: Section = {
  name: 'attention-maps',
  title: 'What the class token looks at',
  async run(context) {
    const tables: Findings['tables'][number][] = []
    const notes: string[] = []
    const byModel: Record<string, Background> = {}
    for (const { model, classes } of drawn) {
      const encoder = encoders.find(({ name }) => name === model) as Encoder
      const subject = await openEncoder(context, { ...encoder, calibration: EXAMPLES }, 'calibration')
      const patches = await patchesOf(subject)
      const maps: Kept[] = []
      for (const look of looks) {
        context.onProgress(`${model}, ${look.label}`)
        maps.push(await observe(context, subject, look))
      }
      const all = backgroundShare(patches, () => 1)
      const shares = looks.map(({ label }, i) => ({
        label,
        background: backgroundShare(patches, maps[i] as Kept),
        later: commonShare(maps[LATER] as Kept, maps[i] as Kept, EXAMPLES),
      }))
      tables.push({
        caption:
          `${model}: tokens that are looked at most, or that stay; how many of them are empty background (of all ` +
          `tokens: ${percent(all)} %), and how many of the tenth that layer ${looks[LATER]?.layer} looks at most are ` +
          `among them, in percent; ${EXAMPLES} images`,
        headings: ['tokens', 'share', 'background', 'of those that matter later'],
        rows: shares.map(({ label, background, later }, i) => [
          label,
          `${looks[i]?.keep}`,
          percent(background),
          percent(later),
        ]),
      })
      const file = `vision-maps-${model}`
      await writeWhole(reportPath('svg', file), mapsOf(subject, patches, maps, classes))
      notes.push(`![${model}: mean brightness, and how often each token is among them](${file}.svg)`)
      byModel[model] = { all, shares }
    }
    return { tables, notes: [...notes, ...explanation(byModel, KEPT)], values: byModel }
  },
}

async function observe({ runtime }: Context, { model, layerCount, inputs }: Subject, look: Look): Promise<Kept> {
  const { method, keep, layer } = look
  const own = { method, schedule: schedule(layerCount, { keep, layers: [layer] }), trace: true }
  await using session = await runtime.load(encodeModel(prunedModel(model, own, method.name)), { threads: 1 })
  const rows: Uint8Array[] = []
  for (let start = 0; start < EXAMPLES; start += BATCH) {
    const outputs = await session.run(await inputs.feeds(Array.from({ length: BATCH }, (_, i) => start + i)))
    const { data, dims } = outputs[`tp.trace.${layer}.indices`] as (typeof outputs)[string]
    const width = dims[1] as number
    for (let row = 0; row < BATCH; row++) {
      const stays = new Uint8Array(PATCH.across ** 2)
      // place 0 is the class token's
      for (const place of (data as BigInt64Array).subarray(row * width, (row + 1) * width)) {
        if (place > 0n) stays[Number(place) - 1] = 1
      }
      rows.push(stays)
    }
  }
  return (image, patch) => rows[image]?.[patch] ?? 0
}

function mapsOf(
  { name, inputs }: Subject,
  patches: readonly Float32Array[],
  maps: readonly Kept[],
  classes: Readonly<Record<number, string>>,
): string {
  const meanOf = (label: number, value: Kept): number[] => {
    const images = [...patches.keys()].filter((image) => inputs.targets[image] === label)
    return Array.from({ length: PATCH.across ** 2 }, (_, patch) => {
      return images.reduce((sum, image) => sum + value(image, patch), 0) / images.length
    })
  }
  const rows: [string, Kept][] = [
    ['mean brightness', (image, patch) => patches[image]?.[patch] ?? 0],
    ...looks.map(({ label }, i): [string, Kept] => [label, maps[i] as Kept]),
  ]
  return heatMaps({
    title: `${name}: how often a token is among the ${MOST} with most attention, or the ${KEPT} that stay`,
    columns: Object.values(classes),
    rows: rows.map(([label, value]) => ({
      label,
      maps: Object.keys(classes).map((name) => meanOf(Number(name), value)),
    })),
    across: PATCH.across,
  })
}
