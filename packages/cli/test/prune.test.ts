import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readProvenance } from '@tp/compiler'
import { modelPath } from '@tp/models'
import { decodeModel, Graph, metadata } from '@tp/onnx'
import { nodeRuntime } from '@tp/runtime-node'
import { fixturesFolder } from 'exported-encoders'
import { describe, expect, test } from 'vitest'
import { peakOf, reportCost } from './report-cost.ts'
import { argv, fixture, temporaryFolder, tp, tpHere } from './tp.ts'

const folder = temporaryFolder()
const mail = modelPath('mail')
const digits = modelPath('digits-vit')

describe('tp prune', () => {
  test('writes a model that records how it was pruned, and prints it', async () => {
    const out = folder.at('mail.onnx')
    const { code, stdout, stderr } = await tpHere(argv`prune ${mail} -o ${out} --method received-attention --keep 0.7`)
    expect(code).toBe(0)
    expect(stderr).toBe('pruning model.onnx\nverifying\n')
    expect(stdout).toContain('tokens are pruned after the attention of layers 1–4: keep 0.7')
    expect(stdout).toMatch(
      /^verified on \d+ examples, \d+ lengths .*: with every token kept, largest difference \S+; the same answers/m,
    )
    const [step] = readProvenance(decodeModel(readFileSync(out)))
    expect(step?.method).toBe('received-attention')
    expect(step?.source).toBe(createHash('sha256').update(readFileSync(mail)).digest('hex'))
    expect(Object.keys(step?.schedule ?? {})).toEqual(['1', '2', '3', '4', '5'])
    expect(folder.files()).toEqual(['mail.onnx'])
  })

  const speech = join(fixturesFolder, 'whisper-encoder-ts17', 'model.onnx')
  test('thins padding, which needs no amount, alone or before another method', async () => {
    const alone = ['prune', speech, '-o', folder.at('thin.onnx'), '--method', 'thin-padding']
    const { code, stdout } = await tpHere(alone)
    expect(stdout).toContain('tokens are pruned before layer 0: as many as the method decides')
    expect(stdout).toContain('has the row of its nearest kept neighbor')
    expect(code).toBe(0)
    const inspected = await tpHere(['inspect', folder.at('thin.onnx')])
    expect(inspected.stdout).toContain('thin-padding, as many as it decides at layer 0')
    const out = folder.at('thin-stride.onnx')
    const options = ['--method', 'thin-padding+stride', '--param', 'every=4', '--keep', '0.5', '--layers', '0']
    const both = await tpHere(['prune', speech, '-o', out, ...options, '--set', 'restore=none'])
    expect(both.stdout).toContain('thin-padding prunes before layer 0: as many tokens as it decides')
    expect(both.stdout).toContain('tokens are pruned after the attention of layer 0: keep 0.5')
    expect(both.stdout).toContain('a pruned frame has no row')
    const [step] = readProvenance(decodeModel(readFileSync(out)))
    expect(step?.method).toBe('thin-padding+stride')
    expect(step?.cuts.map(({ layer, site = 'attention' }) => `${layer} ${site}`)).toEqual(['0 input', '0 attention'])
    const unneeded = ['prune', speech, '-o', out, '--method', 'thin-padding']
    for (const amount of [
      ['--keep', '0.5'],
      ['--flops', '0.5'],
    ]) {
      const { code, stderr } = await tpHere([...unneeded, ...amount])
      expect({ code, stderr }).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('thin-padding needs no amount'),
      })
    }
    const wrong = await tpHere(['prune', speech, '-o', out, '--method', 'stride+tome', '--keep', '0.5'])
    expect(wrong.stderr).toContain('stride cannot act before another method')
    const twice = await tpHere([...unneeded.slice(0, -1), 'thin-padding+thin-padding'])
    expect(twice.stderr).toContain('thin-padding+thin-padding: a method acts once; name it once')
  })

  test('prints one JSON document, with one budget per layer', async () => {
    const out = folder.at('lists.onnx')
    const args = ['--layers', '1,3', '--keep', '0.8,0.5', '--method', 'cls-attention', '--trace', '--json']
    const { code, stdout } = await tpHere(['prune', digits, '-o', out, ...args])
    expect(code).toBe(0)
    const document = JSON.parse(stdout)
    expect(document).toMatchObject({
      format: 1,
      kind: 'prune',
      model: digits,
      out,
      method: 'cls-attention',
      params: {},
      layerCount: 6,
    })
    expect(document.schedule).toEqual([
      { layer: 1, kind: 'ratio', value: 0.8 },
      { layer: 3, kind: 'ratio', value: 0.5 },
    ])
    expect(document.bytes).toBe(readFileSync(out).length)
    const outputs = new Graph(decodeModel(readFileSync(out))).outputs.map(({ name }) => name)
    expect(outputs).toEqual([
      'logits',
      'tp.trace.1.indices',
      'tp.trace.1.valid',
      'tp.trace.3.indices',
      'tp.trace.3.valid',
    ])
    await using session = await nodeRuntime().load(out, { threads: 1 })
    const feeds = { pixel_values: { type: 'float32', dims: [2, 1, 28, 28], data: new Float32Array(2 * 784).fill(0.5) } }
    const results = await session.run(feeds)
    // 197 tokens: (197·8000 + 9999) div 10⁴ = 158, and half of those, rounded up
    expect(results['tp.trace.1.indices']?.dims).toEqual([2, 158])
    expect(results['tp.trace.3.indices']?.dims).toEqual([2, 79])
  })

  const budgets: [string, string[]][] = [
    ['a share', ['--keep', '0.6']],
    ['tokens', ['--tokens', '40']],
    ['mass', ['--set', 'mass=0.8']],
    ['a threshold', ['--set', 'threshold=0.005']],
    ['a share of FLOPs', ['--flops', '0.6@128']],
    ['a parameter', ['--keep', '0.6', '--param', 'queries=8', '--param', 'diagonal=false']],
    ['protected places', ['--keep', '0.6', '--set', 'protect=0,1,2']],
    ['every token kept by force', ['--tokens', '9999']],
  ]
  const byBudget = (...args: string[]) =>
    tpHere([
      'prune',
      mail,
      '-o',
      folder.at('budget.onnx'),
      '--method',
      'received-attention',
      ...args,
      '--json',
      '--no-verify',
    ])

  test.each(budgets)('prunes by %s', async (_, args) => {
    const { code, stdout } = await byBudget(...args)
    expect(code).toBe(0)
    const { schedule } = JSON.parse(stdout)
    expect(schedule).toHaveLength(5)
    if (args.includes('--flops')) expect(schedule[0].value).toBeLessThan(1)
  })

  test('verifies nothing with --no-verify, and says so', async () => {
    const { stdout, stderr } = await tpHere(
      argv`prune ${mail} -o ${folder.at('unverified.onnx')} --method stride --keep 0.5 --no-verify`,
    )
    expect(stdout).toMatch(/^not verified \(--no-verify\)$/m)
    expect(stderr).not.toContain('verifying')
  })

  test('says where tokens skip layers under a method that restores them, and prunes its output no further', async () => {
    const [out, again] = [folder.at('skipping.onnx'), folder.at('skipping-again.onnx')]
    const { stdout } = await tpHere(argv`prune ${mail} -o ${out} --method evo-vit --keep 0.5 --layers 2,4`)
    expect(stdout).toContain('tokens are pruned before layers 2, 4: keep 0.5')
    const { code, stderr } = await tpHere(['prune', out, '-o', again, '--method', 'stride', '--keep', '0.5'])
    expect(code).toBe(4)
    expect(stderr).toContain('evo-vit brings tokens back between the layers')
  })

  test('removes only what no output reads with --method none', async () => {
    const out = folder.at('none.onnx')
    const { code, stdout } = await tpHere(['prune', mail, '-o', out, '--method', 'none'])
    expect(code).toBe(0)
    expect(stdout).toContain('no tokens are pruned')
    const props = metadata(decodeModel(readFileSync(out)))
    expect(props.keys()).toContain('tp.pruning')
  })

  const read = [
    ['texts', 'bert-meanpool-ts14', /STS-B/, /your own texts$/],
    [
      'images',
      'clip-vision-ts17',
      /a pruned patch has the row of its nearest kept neighbor, or of the one that it was merged into$/m,
      /your own images$/,
    ],
    [
      'recordings',
      'wav2vec2-cls-ts17',
      /every frame counts in a pool/,
      /nothing reads are eliminated\. [^.]*own recordings$/,
    ],
    ['recordings', 'whisper-encoder-ts17', /a pruned frame has .*tp eval --task asr measures/, /your own recordings$/],
  ] as const
  for (const [kind, name, about, advice] of read) {
    const path = join(fixturesFolder, name, 'model.onnx')
    const title = `speaks of ${kind} without options for ${name}`
    test(title, async () => {
      const { code, stdout } = await tpHere(['prune', path, '-o', folder.at(`${name}.onnx`), '--json'])
      const notes = JSON.parse(stdout).notes.join('\n')
      expect([code, notes]).toEqual([0, expect.stringMatching(about)])
      expect(notes).toMatch(advice)
    })
  }

  describe('where every token counts', () => {
    const pooled = fixture('timm-vit-avgpool-ts17')

    test('does only what is exact if no method is given, and says why', async () => {
      const { code, stdout } = await tpHere(['prune', pooled, '-o', folder.at('safe.onnx'), '--json'])
      const { method, cuts, notes } = JSON.parse(stdout)
      expect([code, method, cuts]).toEqual([0, 'none', []])
      expect(notes).toEqual([
        expect.stringMatching(/^output pools all tokens; every patch counts in a pool/),
        expect.stringMatching(
          /^no method was given, so only tokens that nothing reads are eliminated.*your own images$/,
        ),
      ])
      const nodes = (path: string): number => new Graph(decodeModel(readFileSync(path))).nodes.length
      // Sizes that are known are written down, which takes fewer nodes.
      expect(nodes(folder.at('safe.onnx'))).toBeLessThanOrEqual(nodes(pooled))
    })

    test('obeys the options, with a warning', async () => {
      const args = ['--method', 'tome', '--keep', '0.7']
      const { stdout } = await tpHere(['prune', pooled, '-o', folder.at('asked.onnx'), ...args])
      expect(stdout).toMatch(/^tokens are pruned after .*keep 0\.7$/m)
      expect(stdout).toMatch(/^note {2}output pools all tokens; .*\nnote {2}tp eval measures the cost of a method/m)
    })

    test('says of answers for each token what becomes of pruned ones', async () => {
      const args = ['prune', fixture('bert-qa-sdpa-ts17'), '-o', folder.at('answers.onnx')]
      const { stdout } = await tpHere(args)
      expect(stdout).toMatch(/^note {2}start_logits has an answer for each token, end_logits .*when it was pruned$/m)
    })
  })

  test('verifies the fixture vit-cls-static-ts11', () => expectVerifiedFixture('vit-cls-static-ts11'))

  async function expectVerifiedFixture(name: string): Promise<void> {
    const out = ['-o', folder.at(`${name}.onnx`)]
    const by = ['--method', 'received-attention', '--keep', '0.6']
    const { code, stderr } = await tpHere(['prune', fixture(name), ...out, ...by])
    expect(stderr).not.toContain('code:')
    expect(code).toBe(0)
  }

  test('replaces an existing file, also through a link', async () => {
    const { writeFileSync, symlinkSync, lstatSync } = await import('node:fs')
    writeFileSync(folder.at('old.onnx'), 'old')
    symlinkSync(folder.at('old.onnx'), folder.at('link.onnx'))
    const { code } = await tpHere(argv`prune ${digits} -o ${folder.at('link.onnx')} --method stride --keep 0.7`)
    expect(code).toBe(0)
    expect(lstatSync(folder.at('link.onnx')).isSymbolicLink()).toBe(true)
    expect(readFileSync(folder.at('old.onnx')).length).toBeGreaterThan(1e6)
  })
})

const shared = process.env.TP_SHARED ?? join(import.meta.dirname, '../../../../shared')
const large = join(shared, 'models/minilm-sentiment/model.onnx')
if (existsSync(large)) {
  test('prunes a model of 91 MB in under 3 s and 5 times its size in memory', { tags: 'exhaustive' }, async () => {
    const out = folder.at('large.onnx')
    const { code, stderr } = await tp(['prune', large, '-o', out, '--method', 'cls-attention', '--keep', '0.5'], {
      env: { NODE_OPTIONS: `--import=${reportCost}` },
    })
    expect(code).toBe(0)
    // Processor time: what else the machine does is not the command's.
    expect(Number(/processor (\d+) ms/.exec(stderr)?.[1])).toBeLessThan(3000)
    const peak = peakOf(stderr)
    expect(peak).toBeGreaterThan(2 * 90_958_238)
    expect(peak).toBeLessThan(5 * 90_958_238)
  })
} else {
  test.skip('prunes a model of 91 MB quickly and in little memory (shared/models/minilm-sentiment is not there)', () => {})
}
