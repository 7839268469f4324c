// The first frame of every context, and the exported name of the switch.
// The entry has no caller: unwinders and debuggers stop at the undefined return address.

	.text
	.globl	weft_start
	.hidden	weft_start
	.type	weft_start, %function
	.align	4
weft_start:
	.cfi_startproc
	.cfi_undefined x30
	hint	#34
	mov	x29, xzr
	bl	weft_main
	brk	#1
	.cfi_endproc
	.size	weft_start, .-weft_start

	.globl	weft_jump
	.type	weft_jump, %function
	.align	4
weft_jump:
	.cfi_startproc
	hint	#34
	b	jump_fcontext
	.cfi_endproc
	.size	weft_jump, .-weft_jump

	.section .note.GNU-stack, "", %progbits
