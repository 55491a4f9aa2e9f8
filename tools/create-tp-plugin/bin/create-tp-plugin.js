#!/usr/bin/env node
// A file of the repository, not of the build: pnpm links commands when it installs, before anything is built.
import '../dist/main.js'
