import { crc32, deflateSync } from 'node:zlib'
import * as Plot from '@observablehq/plot'
import { encodeModel } from '@tp/onnx'
import { mean } from 'simple-statistics'
import { prepare } from '../measure/prepare.ts'
import { openSubject, type Subject } from '../measure/subject.ts'
import { pruned } from '../registry/settings.ts'
import { subjects } from '../registry/subjects.ts'
import { percent } from '../report/numbers.ts'
import { plotSvg, sideBySide } from '../report/plot.ts'
import type { Context, Findings, Section } from '../report/section.ts'
import { tableOf } from '../report/table.ts'

/** Which tokens are looked at: those that a method keeps where it prunes at one layer only. */
interface Look {
  readonly label: string
  readonly method: string
  readonly keep: number
  readonly layer: number
}

/** Of all tokens: those that are looked at most, and those that are kept. */
const [MOST, KEPT] = [0.1, 0.6]

const looks: readonly Look[] = [
  ...[0, 1, 3].map((layer) => ({
    label: `most attention, layer ${layer}`,
    method: 'cls-attention',
    keep: MOST,
    layer,
  })),
  ...[0, 1, 3].map((layer) => ({ label: `cls-attention, layer ${layer}`, method: 'cls-attention', keep: KEPT, layer })),
  ...['tome', 'quasi-random', 'random'].map((method) => ({
    label: `${method}, layer 0`,
    method,
    keep: KEPT,
    layer: 0,
  })),
]
/** Of the looks: the tokens that the class token attends to most, after the first layers. */
const LATER = 2

/** Models and classes that are drawn. */
const drawn = {
  'fashion-vit': {
    form: subjects['fashion-vit'],
    classes: { 0: 't-shirt', 1: 'trousers', 5: 'sandal', 8: 'bag', 9: 'ankle boot' },
  },
  'digits-vit': { form: subjects['digits-mnist'], classes: { 0: '0', 1: '1', 5: '5', 8: '8', 9: '9' } },
} as const

const EXAMPLES = 1000
const BATCH = 8

/** Patches are squares of 5 × 5 points, two apart. */
const PATCH = { side: 5, step: 2, across: 14 }
const PATCHES = PATCH.across ** 2
/** Mean brightness below which a patch is background. */
const BACKGROUND = 0.05

/** By image, a value of each patch, 0…1. */
type Maps = readonly Float32Array[]

/** What the class token looks at, averaged over the images of a class: the images themselves are not ours to show. */
export const attentionMaps: Section = {
  name: 'attention-maps',
  async run(context) {
    const tables: Findings['tables'][number][] = []
    const drawings: { file: string; alt: string; svg: string }[] = []
    const values: Record<string, unknown> = {}
    for (const [name, { form, classes }] of Object.entries(drawn)) {
      const subject = await openSubject(context, form, 'calibration', EXAMPLES)
      const brightness = await brightnessOf(subject)
      const maps: Maps[] = []
      for (const look of looks) {
        context.onProgress(`${name}, ${look.label}`)
        maps.push(await observe(context, subject, look))
      }
      const background = brightness.map((image) => image.map((value) => Number(value < BACKGROUND)))
      const rows = looks.map((look, i) => ({
        ...look,
        background: commonShare(maps[i] as Maps, background),
        later: commonShare(maps[LATER] as Maps, maps[i] as Maps),
      }))
      const all = mean(background.flatMap((image) => [...image]))
      tables.push(
        tableOf(
          `${name}: of the tokens that are looked at most, or kept, the share that is empty background (of all tokens ${percent(all)}), and the share of those that ${looks[LATER]?.label.replace('most attention, ', '')} looks at most that are among them; ${EXAMPLES} images`,
          {
            tokens: ({ label }) => label,
            share: ({ keep }) => `${keep}`,
            background: (row) => percent(row.background),
            'of those that matter later': ({ later }) => percent(later),
          },
          rows,
        ),
      )
      const shown = [
        ['mean brightness', brightness] as const,
        ...looks.map(({ label }, i) => [label, maps[i] as Maps] as const),
      ]
      const alt = `${name}: mean brightness, and how often each token is among those that are looked at most or kept`
      drawings.push({ file: `vision-maps-${name}`, alt, svg: drawing(alt, subject.inputs.targets, shown, classes) })
      values[name] = { all, rows }
    }
    return { tables, drawings, values }
  },
}

async function observe({ runtime }: Context, subject: Subject, { method, keep, layer }: Look): Promise<Maps> {
  const { model } = await prepare(subject, pruned(method, { keep, layers: [layer] }), { trace: true })
  await using session = await runtime.load(encodeModel(model), { threads: 1 })
  const maps: Float32Array[] = []
  for (let start = 0; start < EXAMPLES; start += BATCH) {
    const outputs = await session.run(await subject.inputs.feeds(Array.from({ length: BATCH }, (_, i) => start + i)))
    const { data, dims } = outputs[`tp.trace.${layer}.indices`] as (typeof outputs)[string]
    const width = dims[1] as number
    for (let row = 0; row < BATCH; row++) {
      const kept = new Float32Array(PATCHES)
      // position 0 is the class token's
      for (const position of (data as BigInt64Array).subarray(row * width, (row + 1) * width)) {
        if (position > 0n) kept[Number(position) - 1] = 1
      }
      maps.push(kept)
    }
  }
  return maps
}

/** Mean brightness of each patch; points come normalised, so that black is the least of all. */
async function brightnessOf({ inputs }: Subject): Promise<Maps> {
  const feeds = await inputs.feeds(inputs.targets.map((_, i) => i))
  const pixels = Object.values(feeds)[0]?.data as Float32Array
  const side = PATCH.across * PATCH.step
  return inputs.targets.map((_, image) => {
    const points = pixels.subarray(image * side * side, (image + 1) * side * side)
    const [black, white] = [Math.min(...points), Math.max(...points)]
    return Float32Array.from({ length: PATCHES }, (_, patch) => {
      const [rows, columns] = [windowOf(Math.floor(patch / PATCH.across), side), windowOf(patch % PATCH.across, side)]
      const values = rows.flatMap((y) => columns.map((x) => (points[y * side + x] as number) - black))
      return mean(values) / Math.max(white - black, 1e-6)
    })
  })
}

function windowOf(position: number, side: number): number[] {
  const first = position * PATCH.step - (PATCH.side - 1) / 2
  return Array.from({ length: PATCH.side }, (_, i) => first + i).filter((point) => point >= 0 && point < side)
}

/** Of what is in the first maps, the share that is in the second, too. */
function commonShare(these: Maps, those: Maps): number {
  let [common, all] = [0, 0]
  for (const [image, own] of these.entries()) {
    for (const [patch, value] of own.entries()) {
      all += value
      common += value * (those[image]?.[patch] as number)
    }
  }
  return common / all
}

const CELL = 84

/** A map for each class and look, from white (0) to black (1). */
function drawing(
  title: string,
  targets: readonly number[],
  shown: readonly (readonly [label: string, maps: Maps])[],
  classes: Readonly<Record<number, string>>,
): string {
  const cells = shown.flatMap(([label, maps]) =>
    Object.entries(classes).map(([target, name]) => {
      const own = maps.filter((_, image) => targets[image] === Number(target))
      const values = Array.from({ length: PATCHES }, (_, patch) => mean(own.map((map) => map[patch] as number)))
      return { label, name, src: `data:image/png;base64,${png(values).toString('base64')}` }
    }),
  )
  const [width, height] = [180 + 5 * (CELL + 8), 60 + shown.length * (CELL + 8)]
  const plot = plotSvg(title, {
    ...{ width, height, marginLeft: 170, marginTop: 40 },
    x: { axis: 'top', label: null, domain: Object.values(classes) },
    y: { label: null, domain: shown.map(([label]) => label) },
    marks: [
      Plot.image(cells, {
        ...{ x: 'name', y: 'label', src: 'src', width: CELL, height: CELL },
        imageRendering: 'pixelated',
        preserveAspectRatio: 'none',
      }),
    ],
  })
  return sideBySide(title, [plot], Math.max(width, 900), height)
}

/** An 8-bit grey PNG; 1 is black. */
function png(values: readonly number[]): Buffer {
  const { across } = PATCH
  const lines = Buffer.alloc(across * (across + 1)) // each line begins with the number of its filter, 0
  for (const [i, value] of values.entries()) {
    lines[Math.floor(i / across) * (across + 1) + 1 + (i % across)] = 255 - Math.round(255 * Math.min(1, value))
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(across, 0)
  header.writeUInt32BE(across, 4)
  header[8] = 8
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  const chunks = [chunk('IHDR', header), chunk('IDAT', deflateSync(lines)), chunk('IEND', Buffer.alloc(0))]
  return Buffer.concat([signature, ...chunks])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}
