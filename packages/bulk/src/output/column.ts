/** Values of all rows of a shard under one name. */
export type Column =
  | { readonly name: string; readonly kind: 'row'; readonly values: readonly number[] }
  | { readonly name: string; readonly kind: 'id'; readonly values: readonly (string | number | null)[] }
  | { readonly name: string; readonly kind: 'text'; readonly values: readonly string[] }
  | { readonly name: string; readonly kind: 'texts'; readonly values: readonly (readonly (string | null)[])[] }
  | { readonly name: string; readonly kind: 'number'; readonly values: Float32Array }
  | { readonly name: string; readonly kind: 'vector'; readonly values: readonly Float32Array[] }
