#!/usr/bin/env node
// Runs the program that the package of this platform carries, as if it had been called itself.
'use strict'

const { execFileSync, spawn } = require('node:child_process')
const { readFileSync } = require('node:fs')
const { constants } = require('node:os')

const didNotStart = 2 // the exit code that the program has for it as well

function fail(why) {
  process.stderr.write(`dingmock: ${why}\n`)
  process.exit(didNotStart)
}

function program() {
  const carrier = `@dingmock/${process.platform}-${process.arch}`
  const elsewhere = 'the image or a release of https://github.com/dingmock/dingmock'
  if (!require('./package.json').optionalDependencies?.[carrier]) {
    fail(`there is no package ${carrier} for this platform: build it with Go, or take ${elsewhere}`)
  }
  try {
    return require.resolve(`${carrier}/bin/dingmock${process.platform === 'win32' ? '.exe' : ''}`)
  } catch {
    const { version } = require('./package.json')
    fail(`the package ${carrier}, which carries the program, is not installed: ` + (version.endsWith('-dev')
      ? 'install the tarballs of both, dingmock and the package that carries the program'
      : `npm install --include=optional, or take ${elsewhere}`))
  }
}

// sentToBoth reports whether a signal reaches the program without being passed on: a terminal sends it to all that stands
// in its foreground, a console of Windows to all.
function sentToBoth(signal) {
  if (process.platform === 'win32') return true
  if (signal !== 'SIGINT' && signal !== 'SIGQUIT') return false
  try {
    const [group, foreground] = process.platform === 'linux'
      ? readFileSync('/proc/self/stat', 'utf8').replace(/.*\) /s, '').split(' ').filter((_, i) => i === 2 || i === 5)
      : execFileSync('ps', ['-o', 'pgid=,tpgid=', '-p', process.pid], { encoding: 'utf8' }).trim().split(/\s+/)
    return group === foreground
  } catch {
    return false
  }
}

const path = program()
let child
for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGBREAK']) {
  process.on(signal, () => sentToBoth(signal) || child.kill(signal))
}
child = spawn(path, process.argv.slice(2), { stdio: 'inherit' })
child.on('error', (e) => fail(`${path}: cannot be run: ${e.code}`))
child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
