import { readText } from '../repository.ts'
import type { Page } from './page.ts'

/** The first page for a newcomer. Its figures are those of the README. */
export function homePage(): Page {
  const { one, sorted, loss } = measured('sick-MiniLMxSICK')
  const text = `---
layout: home
title: Faster ONNX transformers
titleTemplate: '@tp'
hero:
  name: '@tp'
  text: Faster transformers, by computing fewer tokens
  tagline: An ONNX file goes in; a faster one with the same inputs and outputs comes out. It computes fewer tokens, in 8 bits and without padding, within the loss that you allow.
  actions:
    - { theme: brand, text: Get started, link: /start }
    - { theme: alt, text: Live demo, link: /demo/, target: _self }
    - { theme: alt, text: Measured gains, link: /results/ }
features:
  - { title: '${one}×, for ${loss.estimate} points', details: 'Entailment between two sentences (sick-MiniLM on SICK), one by one on one thread: pruned tokens, 8 bits and packing (95 % interval of the loss ${loss.low} … ${loss.high}). In batches of 32, sorted by length, ${sorted}×.', link: /results/, linkText: All results }
  - { title: 'No Python, no new export', details: 'It works on the graph you have: BERT, ViT, Whisper and many more, by structure and not by name. What it cannot prune it refuses, with the reason.', link: /models, linkText: Which models }
  - { title: Measured and honest, details: 'Every figure has an interval and a baseline. If random tokens, 8 bits or a shorter text do as well, the page shows it.', link: /how-measured, linkText: How it was measured }
---

## One command

\`\`\`sh
npx tp prune model.onnx                                    # a safe default, timed: model.pruned.onnx
npx tp optimize model.onnx -o fast.onnx --data texts.tsv      # the fastest that loses no more than you allow, and a verdict
\`\`\`

[How to install it](/start): nothing is on npm yet. Then [choose](/choose) what to try, [measure](/measure) on your own data,
[serve](/serving) the file, and [extend](/plugins) it if you need to.

## For whom, and for whom not

| it pays for | it does not pay for |
| --- | --- |
| long texts, by pruned tokens; short ones mostly by [8 bits](/eight-bits) and [packing](/packing) | pruning embedders that average all tokens, or taggers: [8 bits](/embeddings) do better |
| recordings shorter than their model's window | models with windows and convolutions, which are [refused](/models) |
| long prompts and long texts of [decoders](/decoders), exactly | short ones |
| processors and browsers | GPUs, which have not been timed |
`
  return { path: 'index.md', title: '@tp', text }
}

interface Row {
  readonly case: string
  readonly kind: string
  readonly withoutVnni?: true
  readonly speed: Readonly<Record<string, readonly [number, number, number]>>
  readonly loss?: Readonly<Record<'estimate' | 'low' | 'high', number>>
}

/** The figures of the plan that `tp optimize` chose, with VNNI. @param name model and suite */
function measured(name: string): {
  readonly one: string
  readonly sorted: string
  readonly loss: Readonly<Record<'estimate' | 'low' | 'high', string>>
} {
  const lines = readText('docs/results/evidence.jsonl').trimEnd().split('\n')
  const rows = lines.map((line) => JSON.parse(line) as Row)
  const row = rows.find((own) => own.case === name && own.kind === 'optimized' && !own.withoutVnni)
  const [one, sorted] = [row?.speed['1']?.[0], row?.speed['32 sorted']?.[0]]
  if (row?.loss === undefined || one === undefined || sorted === undefined)
    throw new Error(`docs/results/evidence.jsonl has no plan of tp optimize for ${name}`)
  const points = (value: number): string => value.toFixed(1).replace('-', '−')
  const { estimate, low, high } = row.loss
  return {
    one: one.toFixed(1),
    sorted: sorted.toFixed(1),
    loss: { estimate: points(estimate), low: points(low), high: points(high) },
  }
}
