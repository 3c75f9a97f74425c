// Package house holds the rules of the house as tests: who may import whom, which calls library code does
// without, how many modules an importer takes on, what is documented, and that the README compiles.
// It has no code of its own.
//
// The rules read the source of the whole tree rather than ask the go command about it, for two reasons:
// files of every platform are seen, and go test knows what was read, so that it runs the rules again when
// any file has changed.
package house
