/** Names of the inputs and outputs of a training graph besides the model's own inputs. */
export const names = {
  labels: 'tp.labels',
  teacher: 'tp.teacher',
  /** The dense vectors of the batch of which these examples are a part. */
  teachers: 'tp.teachers',
  /** The cost of a multiply-add, in a part of a batch. */
  price: 'tp.price',
  loss: 'tp.loss',
  kept: 'tp.kept',
  tokens: 'tp.tokens',
  flops: 'tp.flops',
  denseFlops: 'tp.flops.dense',
  gradient: (weight: string): string => `tp.gradient.${weight}`,
  /** A method's value at a layer, or for all layers, among the weights. */
  learned: (layer: number | 'all', name: string): string => `tp.method.${layer}.${name}`,
}
