import { type FlopsAt, flopsAtUsualLengths } from '@tp/compare'
import { type DecoderInspection, type EncoderSummary, type Inspection, inspect, readsProbabilities } from '@tp/compiler'
import { type ModelFile, type ModelFolder, maxTokensOf, poolingText } from '@tp/data'
import { type DecoderRefusals, decoderOf, decoderRefusals, pooledOutside, requireEncoder } from '@tp/plans/files'
import { text } from '../arguments/option.ts'
import { endable } from '../context/endable.ts'
import { decoderFacts, promptPlace } from '../decoding/decoder-file.ts'
import { asPooled } from '../model/as-pooled.ts'
import { readModelFile } from '../model/model-file.ts'
import { findMethod, loadMethods } from '../plugins/load-methods.ts'
import { headText } from '../printing/head-text.ts'
import { laterLayersText } from '../printing/later-layers.ts'
import { lines } from '../printing/lines.ts'
import { leftOutText, stepText } from '../printing/made-from.ts'
import { counted, megabytes, ranges } from '../printing/numbers.ts'
import { table } from '../printing/table.ts'
import { type Command, command } from './command.ts'

export const inspectCommand: Command = command({
  options: { encoder: text('NAME', 'the encoder to inspect, in a file with several') },
  notes: [
    'A model that cannot be pruned is refused with the reason: exit code 4. --verbose lists the nodes of each layer.',
  ],
  async run([path = ''], { encoder }, { signal, files, verbose = false }) {
    const read = await endable(() => readModelFile(path, { signal, files }))
    const file = await asPooled(read)
    const options = { tries: true, ...(encoder !== undefined && { encoder }) }
    const seen = await endable(async () => inspect(file.model, options))
    const decoder = encoder === undefined ? await endable(async () => decoderOf(file, seen)) : undefined
    const { contents, dataFiles } = file
    const about = { model: path, bytes: contents.length, dataFiles }
    if (decoder !== undefined) {
      const { ok: _, ...facts } = decoder
      const method = findMethod(await loadMethods(), 'last-query').create()
      const tried = await endable(async () => decoderRefusals(file.model, decoder, method))
      return { content: { ...about, decoder: facts, refusals: tried }, text: describeDecoder(file, decoder, tried) }
    }
    const found = requireEncoder(seen)
    const pooling = await pooledOutside(read)
    const longest = await maxTokensOf(path)
    const flops = await endable(async () => flopsAtUsualLengths(file.model, found, longest))
    const unfusedBy = found.unfusing === undefined ? undefined : await methodsThatUnfuse()
    const { ok: _, ...facts } = found
    return {
      content: { ...about, ...facts, ...(unfusedBy && { unfusedBy }), ...(pooling && { pooling }), flops },
      text: describe(file, found, flops, { unfusedBy, pooling, verbose }),
    }
  },
})

/** Methods that split fused attention into several operators, with their default options. */
async function methodsThatUnfuse(): Promise<string[]> {
  const known = [...(await loadMethods()).values()]
  return known.filter(({ entry }) => readsProbabilities(entry.create())).map(({ entry }) => entry.name)
}

function describeDecoder(file: ModelFile, found: DecoderInspection, tried: DecoderRefusals): string {
  const facts = [
    ...fileFacts(file, found),
    ...decoderFacts(found),
    ...(found.assumed ? [['assumes', found.assumed.map(assumedText).join(', ')] as const] : []),
    ['pruning', decoderAdvice(found, tried)] as const,
  ]
  return facts.map(([name, text]) => name.padEnd('written by'.length + 2) + text).join('\n')
}

function decoderAdvice({ prompt, caches }: DecoderInspection, { prompt: ofPrompt, logits }: DecoderRefusals): string {
  if (prompt !== undefined) return `${prompt.method}, ${promptPlace(prompt)}`
  if (caches[0]?.keys.scale) return 'of the file with float caches, before these are stored in 8 bits'
  if (ofPrompt !== undefined && ofPrompt.message === logits?.message) return `none: ${logits.message}`
  const byMethod = 'tokens of a prompt, in later layers (tp prune --method last-query)'
  const pruned = ofPrompt ? `none of a prompt: ${ofPrompt.message}` : byMethod
  const exact = 'tp prune --lossless leaves out what generating does not read'
  return `${pruned}; ${logits ? `--lossless leaves out nothing: ${logits.message}` : exact}`
}

function fileFacts(file: ModelFile, { producer, opset }: Pick<Inspection, 'producer' | 'opset'>): [string, string][] {
  const data = file.dataFiles.length === 0 ? '' : `, weights in ${file.dataFiles.join(', ')}`
  return [
    ['file', `${file.path}, ${megabytes(file.contents.length)}${data}`],
    ['written by', `${producer || 'unknown'}, opset ${opset}`],
  ]
}

/** The facts besides the file and its encoder. */
interface Described extends Pick<ModelFolder, 'pooling'> {
  readonly unfusedBy: readonly string[] | undefined
  readonly verbose: boolean
}

function describe(
  file: ModelFile,
  found: Inspection,
  flops: readonly FlopsAt[],
  { unfusedBy, pooling, verbose }: Described,
): string {
  const { layers, hidden, heads, tokens, batch, head, tokenOutputs, pruned, leftOut } = found
  const norms = [...new Set(layers.map(({ norm }) => norm))].join(' and ')
  const [named, isOne] = [found.encoder, found.encoders.length === 1]
  const counts = flops.map(({ tokens: n, flops: count }) => `${(count / 1e6).toFixed(1)} M at n=${n}`)
  const all: (readonly [name: string, text: string | false | undefined])[] = [
    ...fileFacts(file, found),
    ['encoders', !isOne && found.encoders.map(encoderText).join('; ')],
    [isOne ? 'encoder' : named, `${counted(layers.length, 'layer')}, ${norms}-norm, hidden ${hidden}, ${heads} heads`],
    ['later layers', laterLayersText(found)],
    ['shape', `batch ${batch}, tokens ${tokens}`],
    ['assumes', found.assumed?.map(assumedText).join(', ')],
    ['padding', paddingText(found)],
    ['length', typeof tokens === 'number' && found.mask !== undefined && pruned.length === 0 && FIXED],
    ['protected', fixedText(found)],
    ['segments', found.segments && `numbered by input ${found.segments}`],
    ['head', headText(head)],
    ['pooled outside', pooling && poolingText(pooling)],
    ['per-token outputs', tokenOutputs.join(', ') || 'none'],
    ['fused', found.unfusing],
    ['written out by', unfusedBy && `${unfusedBy.join(', ')}; whole under all others`],
    ['left out', leftOut.length > 0 && leftOut.map(leftOutText).join('; then ')],
    ['pruned', pruned.map(stepText).join('; then ') || 'no'],
    ['FLOPs', counts.join(', ') || 'unknown'],
  ]
  const facts = all.filter((fact): fact is readonly [string, string] => typeof fact[1] === 'string')
  const width = Math.max(...facts.map(([name]) => name.length)) + 2
  const byName = (attention: string, fused?: string): string => (fused ? `${attention} (${fused})` : attention)
  const rows = layers.map(({ layer, site, attention, fused }) => [`${layer}`, site, byName(attention, fused)])
  const headings = ['layer', 'tokens pruned after', 'attention']
  return lines(
    facts.map(([name, text]) => name.padEnd(width) + text),
    verbose && ['', table(headings, rows, headings.slice(1))],
  )
}

/** The note on an export of a fixed length. */
const FIXED = 'fixed, so that shorter texts pay for padding; tp prune --method drop-padding drops it, which is exact'

/** One size under two names, as exporters write it: “the batch of attention_mask is that of input_ids”. */
function assumedText({ input, axis, same }: NonNullable<Inspection['assumed']>[number]): string {
  if (axis === 0 && same.axis === 0) return `the batch of ${input} is that of ${same.input}`
  return `axis ${axis} of ${input} is as long as axis ${same.axis} of ${same.input}`
}

function paddingText(found: Inspection): string {
  const { mask, maskMarksPadding, padded, classToken, positions } = found
  if (!padded) return 'none: no input says which tokens are real'
  const purposes = 'shown by an input that also serves another purpose'
  const shown = mask === undefined ? purposes : `input ${mask}${maskMarksPadding ? ', 1 where padding is' : ''}`
  const readsLast = positions.includes('the last token')
  if (readsLast)
    return `${shown}; on the left: with padding on the right, the head would read padding as its last token`
  if (classToken === undefined) return shown
  // A pruned file then gives the answer of the text without padding, if positions are relative or counted by the mask.
  return `${shown}; on the right: with padding on the left, the head would read padding as its class token (in a pruned file, the first real token)`
}

function fixedText({ protectedTokens, classToken, positions }: Inspection): string {
  const always = protectedTokens.length === 0 ? [] : [`position ${ranges(protectedTokens)}`]
  const named = classToken === undefined ? always : always.map((text) => `${text} (class token ${classToken})`)
  return [...named, ...positions].join(', ') || 'nothing'
}

function encoderText({ name, layerCount, refusal }: EncoderSummary): string {
  return `${name} (${counted(layerCount, 'layer')}${refusal === undefined ? '' : `; refused: ${refusal.message}`})`
}
