import type { FixtureFacts } from 'exported-encoders'

/** Changes to files after the export, by the words their makers use for it. */
const steps: readonly (readonly [RegExp, string])[] = [
  [/quantize_dynamic/, 'int8 dynamic'],
  [/QDQ.*op types default/, 'int8 QDQ, every operator'],
  [/QDQ/, 'int8 QDQ'],
  [/MatMulNBits/, '4-bit'],
  [/float16/, 'half precision'],
  [/transformers\.optimizer/, "fused by onnxruntime's optimizer"],
  [/ORT_ENABLE_EXTENDED/, 'saved by onnxruntime'],
  [/onnxsim.*fixed/, 'onnxsim with fixed sizes'],
  [/onnxsim/, 'onnxsim'],
  [/onnxslim/, 'onnxslim'],
  [/external data/, 'external data'],
]

/** How a file was made: `dynamo, opset 18, sdpa, half precision`. */
export function formOf({ exporter, opset, attnImplementation, producerOptions, dynamicAxes }: FixtureFacts): string {
  const by = exporter.startsWith('optimum') ? 'optimum' : exporter.includes('dynamo=True') ? 'dynamo' : 'TorchScript'
  const post = (producerOptions.post ?? []).map(
    (step) => steps.find(([words]) => words.test(step.post))?.[1] ?? step.post,
  )
  const isStatic = dynamicAxes === null ? ['fixed sizes'] : []
  return [by, `opset ${opset}`, attnImplementation, ...post, ...isStatic].join(', ')
}
