// Files of a search: its measurements, so that an interrupted one goes on.

export { type KeptMeasurements, keepMeasurements, type SearchSubject } from './measurements-file.ts'
