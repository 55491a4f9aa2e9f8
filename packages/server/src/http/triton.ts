import type { ValueInfo } from '@tp/core/runtime'
import type { FastifyInstance } from 'fastify'
import type { ServedModel } from '../model/served-model.ts'
import type { Duration } from '../model/statistics.ts'
import { MODEL_PATHS, modelOfVersion, type OfModel, type RouteContext } from './context.ts'
import { datatypeOf } from './oip-tensors.ts'

/** Routes for Triton's clients beyond the protocol: configurations, the index of the repository, and statistics. */
export function tritonRoutes(app: FastifyInstance, context: RouteContext): void {
  const models = (): ServedModel[] => [...context.models.values()]

  for (const prefix of MODEL_PATHS) {
    app.get<OfModel>(`${prefix}/config`, async ({ params }) => configOf(modelOfVersion(context, params), context))
    app.get<OfModel>(`${prefix}/stats`, async ({ params }) => statisticsOf([modelOfVersion(context, params)]))
  }
  app.get('/v2/models/stats', async () => statisticsOf(models()))
  app.post<{ Body?: { readonly ready?: boolean } | null }>('/v2/repository/index', async ({ body }) => {
    const index = models().map(({ name, current: { version, engine } }) => {
      const state = engine.isHealthy() ? 'READY' : 'UNAVAILABLE'
      return { name, version, state, reason: state === 'READY' ? '' : 'its session is lost' }
    })
    return body?.ready === true ? index.filter(({ state }) => state === 'READY') : index
  })
}

/** The part of Triton's `ModelConfig` that holds for a model here. Sizes are without the batch axis. */
function configOf({ name, current: { session, engine } }: ServedModel, { limits }: RouteContext): object {
  const tensor = ({ name: own, type, dims }: ValueInfo): object => {
    const datatype = datatypeOf(type)
    return {
      name: own,
      data_type: `TYPE_${datatype === 'BYTES' ? 'STRING' : datatype}`,
      dims: dims.slice(1).map((dim) => (typeof dim === 'number' ? dim : -1)),
    }
  }
  return {
    name,
    platform: 'onnxruntime_onnx',
    backend: 'onnxruntime',
    version_policy: { latest: { num_versions: 1 } },
    max_batch_size: engine.form.batch ?? limits.texts,
    input: session.inputs.map(tensor),
    output: session.outputs.map(tensor),
  }
}

/** In Triton's form. Triton counts requests within a run; here rows are counted. */
function statisticsOf(models: readonly ServedModel[]): object {
  const none: Duration = { count: 0, ns: 0 }
  const stages = (infer: Duration): object => ({ compute_input: none, compute_infer: infer, compute_output: none })
  return {
    model_stats: models.map(
      ({ name, current: { version }, statistics: { success, fail, queue, compute, runs, lastRun } }) => ({
        ...{ name, version, last_inference: lastRun, inference_count: compute.count },
        execution_count: [...runs.values()].reduce((sum, { count }) => sum + count, 0),
        inference_stats: { success, fail, queue, ...stages(compute), cache_hit: none, cache_miss: none },
        batch_stats: [...runs].map(([rows, ofSize]) => ({ batch_size: rows, ...stages(ofSize) })),
      }),
    ),
  }
}
