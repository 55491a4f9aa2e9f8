import type { Page } from './page.ts'

/** The first page for a newcomer. The figures are those of docs/choose.md. */
export function homePage(): Page {
  const text = `---
layout: home
title: Token pruning for ONNX
titleTemplate: '@tp'
hero:
  name: '@tp'
  text: Faster transformers, by computing fewer tokens
  tagline: An ONNX file goes in; a plain ONNX file comes out that prunes tokens between its layers. Its answers are almost the same, and it runs wherever the original runs.
  actions:
    - { theme: brand, text: Get started, link: /start }
    - { theme: alt, text: Live demo, link: /demo/, target: _self }
    - { theme: alt, text: Measured gains, link: '/choose#what-to-expect' }
features:
  - { title: '2.1×, for 0.7 points', details: 'MiniLM on 2,000 film reviews, one by one on one thread (95 % interval of the loss −0.1 … 1.4). With 8 bits and packing 4.1 to 5.6×.', link: '/choose#what-to-expect', linkText: Expected gains }
  - { title: 'No Python, no new export', details: 'It works on the graph you have: BERT, ViT, Whisper and many more, by structure and not by name. What it cannot prune it refuses, with the reason.', link: /models, linkText: Which models }
  - { title: Measured and honest, details: 'Every figure has an interval and a baseline. Where random tokens, 8 bits or a shorter text do as well, the page says so.', link: /results/, linkText: All results }
---

## One command

\`\`\`sh
npx tp prune model.onnx                                    # a safe default, timed: model.pruned.onnx
npx tp optimize model.onnx -o fast.onnx --data texts.tsv      # the fastest that loses no more than you allow, and a verdict
\`\`\`

[How to install it](/start): nothing is on npm yet. Then [choose](/choose) a method, [measure](/measure) on your own data,
[ship](/ship) the file, and [extend](/plugins) it where you need to.

## For whom, and for whom not

| it pays for | it does not pay for |
| --- | --- |
| classifiers and rerankers of texts of 64 tokens and more | texts below some 32 tokens |
| recordings shorter than their model's window | means over all tokens, as most sentence embedders take: [8 bits](/embeddings) do better |
| long prompts and long texts of [decoders](/decoders), exactly | short ones |
| processors and browsers | GPUs, which have not been timed |
`
  return { path: 'index.md', title: '@tp', text }
}
