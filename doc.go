// Package drkit is the vocabulary that the drkit clients share.
package drkit
