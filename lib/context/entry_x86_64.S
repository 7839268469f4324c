// The first frame of every context, and the exported name of the switch.
// The entry has no caller: unwinders and debuggers stop at the undefined return address.

	.text
	.globl	weft_start
	.hidden	weft_start
	.type	weft_start, @function
	.align	16
weft_start:
	.cfi_startproc
	.cfi_undefined rip
	endbr64
	subq	$8, %rsp
	call	weft_main
	ud2
	.cfi_endproc
	.size	weft_start, .-weft_start

	.globl	weft_jump
	.type	weft_jump, @function
	.align	16
weft_jump:
	.cfi_startproc
	endbr64
	jmp	jump_fcontext@PLT
	.cfi_endproc
	.size	weft_jump, .-weft_jump

	.section .note.GNU-stack, "", @progbits
