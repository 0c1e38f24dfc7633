package main

// Program is main, for the stories that run it as a process of its own.
var Program = main
