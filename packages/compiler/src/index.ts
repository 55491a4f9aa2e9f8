export * from './prune.ts'
export * from './refusal.ts'
