import * as ort from 'onnxruntime-web/webgpu'

/** Opens a model with WebGPU; the console then says where onnxruntime has put each node, and what it copies. */
export async function logPlacement(address: string): Promise<void> {
  ort.env.logLevel = 'verbose'
  const model = new Uint8Array(await (await fetch(address)).arrayBuffer())
  const session = await ort.InferenceSession.create(model, { executionProviders: ['webgpu'], logSeverityLevel: 0 })
  await session.release()
}
