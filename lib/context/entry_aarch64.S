// The first frame of every context, and the exported name of the switch.
// The entry has no caller: unwinders and debuggers stop at the undefined return address.
// Boost's routine leaves the rounding mode to whoever comes next; writing it is slow, reading is not.

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
	stp	x29, x30, [sp, #-32]!
	.cfi_def_cfa_offset 32
	.cfi_offset x29, -32
	.cfi_offset x30, -24
	mov	x29, sp
	mrs	x9, fpcr
	str	x9, [sp, #16]
	bl	jump_fcontext
	ldr	x9, [sp, #16]
	mrs	x10, fpcr
	cmp	x9, x10
	b.eq	1f
	msr	fpcr, x9
1:	ldp	x29, x30, [sp], #32
	.cfi_restore x29
	.cfi_restore x30
	.cfi_def_cfa_offset 0
	ret
	.cfi_endproc
	.size	weft_jump, .-weft_jump

	.section .note.GNU-stack, "", %progbits
